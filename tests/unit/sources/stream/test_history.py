"""bridge/sources/stream/history.py: over links made of a script; over a broker in tests/integration."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import pytest

from bridge.errors import ConnectError, SourceError
from bridge.sources.amqp.address import addresses
from bridge.sources.stream.history import history
from bridge.sources.stream.intake import Intake
from bridge.testing import FakeClock
from tests.running import run
from tests.unit.sources.stream.streaming import numbered
from tests.unit.sources.stream.test_reader import ScriptedLink

SERVER = (addresses("amqp://127.0.0.1")[0], 5552)


class ScriptedDial:
    """Makes one link, which brings what the script says once it is subscribed."""

    def __init__(self, bring: Callable[[Intake, ScriptedLink], None]) -> None:
        self._bring = bring
        self.link: Any = None

    async def open(self, address: object, port: int, intake: Intake) -> tuple[Any, bool]:
        bring = self._bring

        class Link(ScriptedLink):
            async def subscribe(self) -> None:
                await super().subscribe()
                bring(intake, self)

        self.link = Link(intake)
        return self.link, True


async def read(dial: ScriptedDial, first: int, end: int) -> list[tuple[list[bytes], int]]:
    """All that is handed out."""
    past = history(dial, SERVER, first, end, seconds=0.5, clock=FakeClock())  # type: ignore[arg-type]
    async with aclosing(past):
        return [([one.body for one in deliveries], left) async for deliveries, left in past]


def chunks(*bounds: tuple[int, int]) -> ScriptedDial:
    """Brings chunks of messages with these offsets."""

    def bring(intake: Intake, _: ScriptedLink) -> None:
        for first, upto in bounds:
            intake.chunk(numbered(first, upto), 0)

    return ScriptedDial(bring)


def bodies(first: int, upto: int) -> list[bytes]:
    return [b"%d" % offset for offset in range(first, upto)]


def test_it_ends_right_before_the_end() -> None:
    """In the middle of a chunk too, and begins in the middle of one; what is left is counted."""

    async def check() -> None:
        dial = chunks((0, 10), (10, 20))
        found = await read(dial, 4, 15)
        assert [body for part, _ in found for body in part] == bodies(4, 15)
        assert found[-1][1] == 0
        assert [place.value for place in dial.link.places] == [3]  # the one before shows that it is our stream
        assert dial.link.closed == [False]

    run(check())


def test_a_stream_that_ends_before_is_another_one() -> None:
    """Nothing more comes: whoever asked is told that it is worth nothing."""

    async def check() -> None:
        dial = chunks((0, 10))
        with pytest.raises(SourceError, match="does not reach"):
            await read(dial, 0, 15)
        assert dial.link.closed == [False]

    run(check())


def test_a_lost_connection_is_an_error() -> None:
    """It is not made again: the chain waits for us."""

    async def check() -> None:
        def bring(intake: Intake, link: ScriptedLink) -> None:
            link.lost.set_result(ConnectError("gone"))

        with pytest.raises(ConnectError, match="gone"):
            await read(ScriptedDial(bring), 0, 15)

    run(check())


def test_a_reader_that_goes_away_closes_the_connection() -> None:
    """When its time is up, or the chain is stopped."""

    async def check() -> None:
        dial = chunks((0, 10))
        past = history(dial, SERVER, 0, 50, seconds=60, clock=FakeClock())  # type: ignore[arg-type]
        async with aclosing(past):
            assert len((await anext(past))[0]) == 10
            waiting = asyncio.ensure_future(anext(past))
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        assert dial.link.closed == [False]

    run(check())
