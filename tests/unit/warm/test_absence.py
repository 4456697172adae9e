"""bridge/warm/absence.py: what was lost while no bridge was there."""

import asyncio
from contextlib import suppress
from pathlib import Path

from bridge.errors import EndOfStream
from bridge.model import Delivery, Gap
from bridge.state import ClusterState
from bridge.testing import FakeClock, MemorySource
from bridge.warm import StateFile
from bridge.warm.absence import Absence
from tests.running import run
from tests.unit.making import delivery, received

STATE = ClusterState()


class Life:
    """One process's source, which has these deliveries, with a file that the next one shares."""

    def __init__(self, folder: Path, *items: Delivery | Gap, now: float) -> None:
        self.clock = FakeClock(now)
        self.file = StateFile(folder / "state", cluster="prod", group="g", clock=self.clock)
        self.inner = MemorySource(items)
        self.source = Absence(self.inner, self.file, self.clock)

    async def begin(self, position: bytes | None = None) -> None:
        """As a chain does."""
        await self.source.__aenter__()
        await self.source.acquire()
        await self.file.load(ClusterState())
        self.clock.turn(1.0)
        await self.source.start(position)

    async def everything(self) -> list[Delivery | Gap]:
        found: list[Delivery | Gap] = []
        with suppress(EndOfStream):
            while True:
                found += await self.source.read()
        return found


def at(seconds: float) -> Delivery:
    """Read then."""
    made = delivery(received(seconds, "u1"))
    made.received_at = seconds
    return made


def test_the_first_start_has_lost_nothing(tmp_path: Path) -> None:
    """Nobody was absent; and the source gets what it is told."""

    async def scenario() -> None:
        life = Life(tmp_path, at(101.0), now=100.0)
        await life.begin(b"0")
        (one,) = await life.everything()
        assert isinstance(one, Delivery)
        assert life.inner.starts == [b"0"]
        life.source.settle([one])
        assert life.inner.settled == [one]
        await life.source.__aexit__(None, None, None)

    run(scenario())


def test_the_next_start_tells_from_when_to_when(tmp_path: Path) -> None:
    """
    From the reading of what was settled last before the file was written, whatever was read after it, until the broker
    was connected, before anything else; once.
    """

    async def scenario() -> None:
        first = Life(tmp_path, at(101.0), at(102.0), at(103.0), now=100.0)
        await first.begin()
        items = [one for one in await first.everything() if isinstance(one, Delivery)]
        first.source.settle(items[:2])
        first.source.settle([])
        assert await first.file.save(STATE)

        second = Life(tmp_path, at(211.0), now=210.0)
        await second.begin()
        await second.source.start(None)
        gap, one = await second.everything()
        assert gap == Gap("disconnected", 102.0, 210.0)
        assert isinstance(one, Delivery)

    run(scenario())


def test_what_was_not_settled_by_anybody_stays_in_the_window(tmp_path: Path) -> None:
    """A process that saves and has settled nothing leaves the moment of the one before it."""

    async def scenario() -> None:
        for now in (100.0, 200.0, 300.0):
            life = Life(tmp_path, at(now + 5), now=now)
            await life.begin()
            items = await life.everything()
            if now == 100.0:
                life.source.settle([items[0]])  # type: ignore[list-item]
            await life.file.save(STATE)
        assert items[0] == Gap("disconnected", 105.0, 300.0)

    run(scenario())


def test_a_clock_that_was_set_back_makes_an_empty_window(tmp_path: Path) -> None:
    """And no gap that ends before it begins."""

    async def scenario() -> None:
        first = Life(tmp_path, now=500.0)
        first.file.whole_until = 500.0
        await first.file.save(STATE)
        second = Life(tmp_path, now=400.0)
        await second.begin()
        assert await second.everything() == [Gap("disconnected", 400.0, 400.0)]

    run(scenario())


def test_it_can_be_stopped_and_left_at_any_time(tmp_path: Path) -> None:
    """As every source."""

    async def scenario() -> None:
        life = Life(tmp_path, now=1.0)
        life.source.stop()
        await life.source.__aexit__(None, None, None)
        async with asyncio.timeout(5), life.source:
            await life.source.start(None)
            assert await life.everything() == []

    run(scenario())
