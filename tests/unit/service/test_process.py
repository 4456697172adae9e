"""A whole process in the test's own: what it delivers, and how it ends."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from bridge.chain import Chain
from bridge.clock import SystemClock
from bridge.config import Config, SinkEnd, SourceEnd, Url
from bridge.errors import ConfigError, OutputError, SinkError
from bridge.service import run as run_service
from bridge.service.process import SUMMARY_SECONDS, Service
from bridge.testing import FakeClock, MemorySink, MemorySource
from tests.running import run, until
from tests.unit.making import pipeline, started


def lines(path: Path, count: int, prefix: str = "u") -> Path:
    """A file of that many bare events."""
    path.write_text("".join(json.dumps(started(uuid=f"{prefix}{number}")) + "\n" for number in range(count)))
    return path


def configured(source: Path, sink: Path, **given: Any) -> Config:
    """From a file to a file."""
    ends = given.pop("sources", (SourceEnd(url=Url(str(source))),))
    return Config(
        command=given.pop("command", "replay"), sources=ends, to=SinkEnd(kind="file", path=str(sink)), **given
    )


def read(path: Path) -> list[dict[str, Any]]:
    """The records of a file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def serving(*chains: Chain, clock: FakeClock | None = None, **given: Any) -> Service:
    """A service over chains from memory to memory."""
    return Service(Config(**given), chains, clock or SystemClock())


def chain(source: MemorySource, sink: MemorySink, label: str = "celery") -> Chain:
    """One of them."""
    return Chain(label, source, sink, pipeline())


def body(uuid: str = "u1") -> bytes:
    """The body of one valid event."""
    return json.dumps(started(uuid=uuid)).encode()


def test_file_is_delivered_whole_and_summed_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 0 at the end of the file, with one summary line."""
    out = tmp_path / "out"
    code = run(run_service(configured(lines(tmp_path / "in", 2500), out)))

    assert code == 0
    assert [record["uuid"] for record in read(out)] == [f"u{number}" for number in range(2500)]
    (summary,) = [line for line in capsys.readouterr().err.splitlines() if "event='summary'" in line]
    assert "received=2500 delivered=2500 dead_lettered=0 filtered=0 unsettled=0" in summary
    assert "events_lost_estimate=0" in summary


def test_several_sources_share_one_output(tmp_path: Path) -> None:
    """Each is a chain of its own with its label as cluster; whole lines arrive, none is torn."""
    ends = tuple(SourceEnd(url=Url(str(lines(tmp_path / label, 1500, label))), label=label) for label in ("prod", "eu"))
    out = tmp_path / "out"
    run(run_service(configured(tmp_path, out, sources=ends)))

    records = read(out)
    for label in ("prod", "eu"):
        uuids = [record["uuid"] for record in records if record["cluster"] == label]
        assert uuids == [f"{label}{number}" for number in range(1500)]


def test_limit_counts_over_all_sources(tmp_path: Path) -> None:
    """--limit is about the process."""
    ends = tuple(SourceEnd(url=Url(str(lines(tmp_path / label, 50))), label=label) for label in ("a", "b"))
    out = tmp_path / "out"
    code = run(run_service(configured(tmp_path, out, sources=ends, limit=60)))

    assert code == 0
    assert len(read(out)) == 60


def test_every_problem_is_told_before_anything_connects(tmp_path: Path) -> None:
    """A user's broken schemas are all named, and nothing was written."""
    schemas = tmp_path / "schemas"
    schemas.mkdir()
    (schemas / "a.json").write_text("{")
    (schemas / "b.json").write_text('{"type": 5}')
    out = tmp_path / "out"

    with pytest.raises(ConfigError) as caught:
        run(run_service(configured(lines(tmp_path / "in", 1), out, schemas=schemas)))

    assert len(caught.value.problems) == 2
    assert not out.exists()


def test_file_that_is_not_there_is_a_configuration_error(tmp_path: Path) -> None:
    """Exit 78, at once."""
    with pytest.raises(ConfigError, match="nowhere"):
        run(run_service(configured(tmp_path / "nowhere", tmp_path / "out")))


def test_stop_event_drains_and_ends(tmp_path: Path) -> None:
    """A caller's event takes the place of the signals."""
    fifo = tmp_path / "in"
    os.mkfifo(fifo)

    async def scenario() -> None:
        stop = asyncio.Event()
        out = tmp_path / "out"
        running = asyncio.create_task(run_service(configured(fifo, out), stop=stop))
        with await asyncio.to_thread(fifo.open, "w") as writer:
            writer.write(body().decode() + "\n")
            writer.flush()
            await until(lambda: out.exists() and bool(out.read_text()))
            stop.set()
            assert await running == 0

    run(scenario())


def test_first_signal_drains(tmp_path: Path) -> None:
    """SIGTERM: what was read is delivered, exit 0."""

    async def scenario() -> None:
        source, sink = MemorySource([body()], ends=False), MemorySink()
        sink.hold()
        service = serving(chain(source, sink))
        with service.signals():
            running = asyncio.create_task(service.run())
            await until(lambda: sink.in_flight == 1)
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0)
            sink.release()
            assert await running == 0
        assert len(source.settled) == 1

    run(scenario())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 75), (signal.SIGINT, 130)])
def test_second_signal_forces(number: int, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """What is unsettled stays with the broker, and its number is said."""

    async def scenario() -> None:
        source, sink = MemorySource([body()], ends=False), MemorySink()
        sink.hold()
        service = serving(chain(source, sink))
        running = asyncio.create_task(service.run())
        await until(lambda: sink.in_flight == 1)
        service.interrupt(number)
        service.interrupt(number)
        assert await running == code
        assert source.unsettled == 1

    run(scenario())
    assert "unsettled=1" in capsys.readouterr().err


def test_grace_period_that_runs_out_forces() -> None:
    """Three quarters of it are for draining; a sink that never confirms does not keep the process."""

    async def scenario() -> None:
        source, sink = MemorySource([body()], ends=False), MemorySink()
        sink.hold()
        service = serving(chain(source, sink), shutdown_grace_seconds=0.2)
        running = asyncio.create_task(service.run())
        await until(lambda: sink.in_flight == 1)
        service.stop()
        assert await running == 75

    run(scenario())


def test_forced_stop_with_nothing_unsettled_is_clean() -> None:
    """75 means that something may be delivered twice: here nothing is."""

    async def scenario() -> None:
        source = MemorySource(ends=False)
        sink = MemorySink()
        sink.down()
        service = serving(chain(source, sink))
        running = asyncio.create_task(service.run())
        await asyncio.sleep(0)
        service.interrupt(signal.SIGTERM)
        service.interrupt(signal.SIGTERM)
        assert await running == 0

    run(scenario())


def test_chain_that_fails_stops_the_others_which_drain() -> None:
    """Its error is raised when they have."""

    async def scenario() -> None:
        good, bad = MemorySource([body()], ends=False), MemorySource([body()], ends=False)
        sink, broken = MemorySink(), MemorySink()
        sink.hold()
        service = serving(chain(good, sink), chain(bad, broken, "bad"))
        running = asyncio.create_task(service.run())
        await until(lambda: sink.in_flight == 1)
        broken.fail(SinkError("no more"))
        bad.feed(body())
        sink.release()
        with pytest.raises(SinkError, match="no more"):
            await running
        assert len(good.settled) == 1

    run(scenario())


def test_first_signal_while_it_stops_by_itself_forces_nothing() -> None:
    """--duration, --limit or a failed chain stop it, and then the orchestrator says SIGTERM: it still drains."""

    async def scenario() -> None:
        source, sink = MemorySource([body()], ends=False), MemorySink()
        sink.hold()
        service = serving(chain(source, sink))
        running = asyncio.create_task(service.run())
        await until(lambda: sink.in_flight == 1)
        service.stop()
        service.interrupt(signal.SIGTERM)
        for _ in range(20):
            await asyncio.sleep(0)
        sink.release()
        assert await running == 0
        assert len(source.settled) == 1

    run(scenario())


class SlowToLeave(MemorySink):
    """Leaving it takes until the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.leaving, self.may_leave = asyncio.Event(), asyncio.Event()

    async def __aexit__(self, *error: Any) -> None:
        self.leaving.set()
        await self.may_leave.wait()
        await super().__aexit__(*error)


def test_signal_while_it_is_forced_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    """The grace period ran out, the ends are closing, and somebody presses Ctrl-C: it only ends as interrupted."""

    async def scenario() -> None:
        source, sink = MemorySource([body()], ends=False), SlowToLeave()
        sink.hold()
        service = serving(chain(source, sink), shutdown_grace_seconds=0.01)
        with service.signals():
            running = asyncio.create_task(service.run())
            await until(lambda: sink.in_flight == 1)
            os.kill(os.getpid(), signal.SIGINT)
            await sink.leaving.wait()
            os.kill(os.getpid(), signal.SIGINT)
            for _ in range(3):
                await asyncio.sleep(0)
            sink.may_leave.set()
            assert await running == 130

    run(scenario())
    assert "Exception in callback" not in caplog.text


def test_error_is_told_also_when_another_chain_had_to_be_forced(capsys: pytest.CaptureFixture[str]) -> None:
    """Why it all ended matters more than that the rest did not drain, which the log says."""

    async def scenario() -> None:
        sink, broken = MemorySink(), MemorySink()
        sink.hold()
        broken.hold()
        good = chain(MemorySource([body()], ends=False), sink)
        bad = chain(MemorySource([body()], ends=False), broken, "bad")
        service = serving(good, bad, shutdown_grace_seconds=0.01)
        running = asyncio.create_task(service.run())
        await until(lambda: sink.in_flight == broken.in_flight == 1)
        broken.fail(SinkError("no more"))
        with pytest.raises(SinkError, match="no more"):
            await running

    run(scenario())
    assert "stop forced" in capsys.readouterr().err


@pytest.mark.parametrize(("reason", "told"), [("no such room", 1), ("no room", 0)])
def test_error_of_another_chain_is_logged_unless_it_is_the_same(
    reason: str, told: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only one error can end the process; the others are not swallowed."""

    async def scenario() -> None:
        sinks = MemorySink(), MemorySink()
        chains = [chain(MemorySource([body()], ends=False), sink) for sink in sinks]
        for sink in sinks:
            sink.hold()
        running = asyncio.create_task(serving(*chains).run())
        await until(lambda: all(sink.in_flight == 1 for sink in sinks))
        sinks[0].fail(SinkError("no room"))
        sinks[1].fail(SinkError(reason))
        with pytest.raises(SinkError, match=r"no .*room"):
            await running

    run(scenario())
    assert capsys.readouterr().err.count("another chain failed") == told


def test_duration_is_an_ordinary_stop() -> None:
    """--duration turns the source off; everything drains."""

    async def scenario() -> None:
        clock = FakeClock()
        source, sink = MemorySource([body()], ends=False), MemorySink()
        service = serving(chain(source, sink), clock=clock, duration=60.0)
        running = asyncio.create_task(service.run())
        await until(lambda: len(source.settled) == 1)
        await clock.until_sleeping(2)
        clock.turn(60.0)
        assert await running == 0

    run(scenario())


@pytest.mark.parametrize(("command", "summaries"), [("run", 1), ("dump", 0)])
def test_service_says_every_ten_seconds_how_it_stands(
    command: str, summaries: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """`run` only: who dumps to a terminal looks at the events themselves."""

    async def scenario() -> None:
        clock = FakeClock()
        source = MemorySource(ends=False)
        service = serving(chain(source, MemorySink()), clock=clock, command=command)
        running = asyncio.create_task(service.run())
        await clock.until_sleeping(1)
        clock.turn(SUMMARY_SECONDS)
        await clock.until_sleeping(1)
        await asyncio.sleep(0)
        service.stop()
        await running

    run(scenario())
    assert capsys.readouterr().err.count("event='summary'") == summaries


@pytest.mark.parametrize("command", ["run", "dump", "replay"])
def test_reader_that_leaves_is_an_error_of_the_service_only(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`| head` ends dump and replay quietly; `run` says 74."""
    reading, writing = os.pipe()
    os.close(reading)
    monkeypatch.setattr("bridge.service.outputs.STDOUT", writing)
    config = Config(
        command=command, sources=(SourceEnd(url=Url(str(lines(tmp_path / "in", 10)))),), to=SinkEnd(kind="stdout")
    )
    try:
        if command == "run":
            with pytest.raises(OutputError):
                run(run_service(config))
        else:
            assert run(run_service(config)) == 0
    finally:
        os.close(writing)


@pytest.mark.parametrize(("messages", "shown"), [(None, False), (0, True), (7, True)])
def test_summary_says_what_waits_at_the_broker_where_that_is_known(
    messages: int | None, shown: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """And leaves it out where no source tells."""
    one = chain(MemorySource(), MemorySink())
    one.counters.queue_messages = messages

    serving(one).summarize()

    assert (f"queue_messages={messages}" in capsys.readouterr().err) == shown
    assert shown or messages is None
