"""bridge/warm/memory.py: recalled before the start, kept while the chain runs."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bridge.errors import BridgeError, SinkError, SourceError
from bridge.model import Delivery
from bridge.pipeline import Pipeline
from bridge.state import ClusterState
from bridge.telemetry import Counters
from bridge.testing import FakeClock
from bridge.warm import Memory, Replay, StateFile
from tests.running import run, until
from tests.unit.making import delivery, pipeline, received


class Past:
    """One delivery, and perhaps an error behind it."""

    def __init__(self, uuid: str, error: BridgeError | None = None) -> None:
        self._uuid, self._error = uuid, error

    async def before(
        self, position: bytes | None, messages: int, seconds: float
    ) -> AsyncGenerator[tuple[Sequence[Delivery], int]]:
        yield [task(self._uuid)], 0
        if self._error is not None:
            raise self._error


def task(uuid: str) -> Delivery:
    return delivery(received(1795178793.25, uuid))


class Life:
    """One process's memory, clock, counters and pipeline, over a folder that the next one shares."""

    def __init__(self, folder: Path | None, past: Past | None = None) -> None:
        self.clock, self.counters, self.pipeline = FakeClock(), Counters(), pipeline()
        clock = self.clock
        self.memory = Memory(
            "prod",
            ClusterState,
            counters=self.counters,
            file=StateFile(folder / "state", cluster="prod", group="g", clock=clock) if folder else None,
            replay=Replay(past, pipeline(), clock) if past else None,
            every=30.0,
            clock=clock,
        )

    def receive(self, uuid: str) -> None:
        self.counters.took(self.pipeline.transform([task(uuid)]).tally, 1, 0)

    def known(self) -> set[str]:
        return {one.uuid for one in self.pipeline.state.tasks()}


async def recalled(life: Life) -> Pipeline:
    await life.memory.recall(life.pipeline, None)
    return life.pipeline


def test_the_next_process_knows_what_the_last_one_knew(tmp_path: Path) -> None:
    """A clean end saves; the next start recalls, and says how much."""

    async def scenario() -> None:
        first, second = Life(tmp_path), Life(tmp_path)
        async with first.memory.keeping(first.pipeline):
            first.receive("u1")
        with capture_logs() as logs:
            await recalled(second)
        assert second.known() == {"u1"}
        (said,) = logs
        assert (said["event"], said["cluster"], said["tasks"], said["workers"]) == ("state recalled", "prod", 1, 1)

    run(scenario())


def test_it_is_saved_every_so_often(tmp_path: Path) -> None:
    """Half a minute after the last time, so that a kill -9 costs no more; not when nothing was received."""

    async def scenario() -> None:
        life = Life(tmp_path)
        file = tmp_path / "state"
        async with life.memory.keeping(life.pipeline):
            await life.clock.until_sleeping()
            life.clock.turn(30.0)
            await life.clock.until_sleeping()
            assert not file.exists()
            life.receive("u1")
            life.clock.turn(29.0)
            assert not file.exists()
            life.clock.turn(1.0)
            await until(lambda: file.exists() and b"u1" in file.read_bytes())
            file.unlink()
            await life.clock.until_sleeping()
            life.clock.turn(30.0)
            await life.clock.until_sleeping()
        assert not file.exists()

    run(scenario())


def test_a_standby_leaves_the_file_alone(tmp_path: Path) -> None:
    """It received nothing, so it knows nothing that the active one has not written."""

    async def scenario() -> None:
        active, standby = Life(tmp_path), Life(tmp_path)
        await recalled(standby)
        async with active.memory.keeping(active.pipeline):
            active.receive("u1")
        async with standby.memory.keeping(standby.pipeline):
            pass
        assert (await recalled(Life(tmp_path))).state.task("u1") is not None

    run(scenario())


@pytest.mark.parametrize("error", [SinkError("full"), asyncio.CancelledError()])
def test_an_end_that_is_not_clean_does_not_wait_for_the_disk(tmp_path: Path, error: BaseException) -> None:
    """What was saved last stays; the error goes on."""

    async def failing() -> None:
        life = Life(tmp_path)
        async with life.memory.keeping(life.pipeline):
            life.receive("u1")
            raise error

    with pytest.raises(type(error)):
        run(failing())
    assert list(tmp_path.iterdir()) == []


def test_file_and_stream_add_up(tmp_path: Path) -> None:
    """What the stream says is folded into what the file knew."""

    async def scenario() -> None:
        first, second = Life(tmp_path), Life(tmp_path, Past("u2"))
        async with first.memory.keeping(first.pipeline):
            first.receive("u1")
        await recalled(second)
        assert second.known() == {"u1", "u2"}

    run(scenario())


def test_a_stream_that_is_another_one_adds_nothing(tmp_path: Path) -> None:
    """What was folded of it is thrown away; the file counts."""

    async def scenario() -> None:
        first, second = Life(tmp_path), Life(tmp_path, Past("u2", SourceError("another")))
        async with first.memory.keeping(first.pipeline):
            first.receive("u1")
        await recalled(second)
        assert second.known() == {"u1"}

    run(scenario())


def test_without_a_file_nothing_is_kept() -> None:
    """A stream is its own memory."""

    async def scenario() -> None:
        life = Life(None, Past("u1"))
        await recalled(life)
        assert life.known() == {"u1"}
        async with life.memory.keeping(life.pipeline):
            assert life.clock.sleepers == 0

    run(scenario())
