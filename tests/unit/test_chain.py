"""The chain: what it settles and when, in which order it starts, and how it ends."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bridge.chain import SENDS_IN_FLIGHT, Chain
from bridge.errors import (
    ConfigError,
    ConnectError,
    InvalidEventError,
    RecordError,
    SinkError,
    SourceError,
    TurnLostError,
)
from bridge.model import Delivery, Gap, Record
from bridge.pipeline import RECORDS_A_SEND
from bridge.sinks import DeadLetter
from bridge.telemetry import Counters, Status
from bridge.testing import Drop, FakeClock, MemorySink, MemorySource
from tests.running import run, until
from tests.unit.making import event, pipeline, started


def body(number: int, **fields: Any) -> bytes:
    """The body of one valid event."""
    return json.dumps(started(uuid=f"u{number}", **fields)).encode()


def bodies(count: int) -> list[bytes]:
    """That many of them."""
    return [body(number) for number in range(count)]


def made(source: MemorySource, sink: MemorySink, **given: Any) -> Chain:
    """A chain from memory to memory."""
    return Chain("celery", source, sink, given.pop("pipeline", None) or pipeline(), **given)


def uuids(sink: MemorySink) -> list[str]:
    """Of the records that are durable, in order."""
    return [json.loads(record.value)["uuid"] for record in sink.records]


def test_every_event_is_delivered_then_settled() -> None:
    """What goes in comes out in order, is settled, and the accounts balance."""
    source, sink = MemorySource(bodies(2500)), MemorySink()
    chain = made(source, sink)

    run(chain.run())

    assert uuids(sink) == [f"u{number}" for number in range(2500)]
    assert len(source.settled) == 2500
    assert (chain.counters.received, chain.counters.delivered, chain.counters.unsettled) == (2500, 2500, 0)
    assert chain.counters.balanced
    assert chain.status is Status.STOPPED


def test_nothing_is_settled_before_the_sink_confirmed() -> None:
    """An acknowledgement before the confirmation would lose what a crash of the sink loses."""

    async def scenario() -> None:
        source, sink = MemorySource(bodies(10), ends=False), MemorySink()
        sink.hold()
        chain = made(source, sink)
        running = asyncio.create_task(chain.run())
        await until(lambda: sink.in_flight > 0)
        assert source.settled == []
        assert chain.counters.unsettled == 10
        assert chain.lag_seconds > 0
        sink.release()
        await until(lambda: len(source.settled) == 10)
        assert chain.counters.unsettled == 0
        assert chain.lag_seconds == 0
        chain.stop()
        await running

    run(scenario())


class Answering(MemorySink):
    """One whose server has answered already: only the loop has to turn until that is heard."""

    async def send(self, records: Sequence[Record], position: bytes | None) -> Awaitable[None]:
        confirmation = await super().send(records, position)

        async def heard() -> None:
            for _ in range(4):
                await asyncio.sleep(0)
            await confirmation

        return asyncio.ensure_future(heard())


class Noting(MemorySource):
    """Notes how much of it is settled whenever it is read."""

    def __init__(self, bodies: list[bytes]) -> None:
        super().__init__(bodies)
        self.known: list[int] = []

    async def read(self) -> list[Delivery | Gap]:
        self.known.append(len(self.settled))
        return await super().read()


def test_what_is_confirmed_is_settled_before_the_next_long_read_is_looked_at() -> None:
    """It would wait for all of that, and a crash meanwhile would repeat it."""
    source = Noting(bodies(3000))

    run(made(source, Answering()).run())

    assert source.known == [0, 1000, 2000, 3000]


class Remembering:
    """Notes when it is asked, and for which position."""

    def __init__(self, source: MemorySource, *, slow: bool = False) -> None:
        self._source, self._slow = source, slow
        self.said: list[object] = []

    async def recall(self, pipeline: object, position: bytes | None) -> None:
        self.said += ["recall", position, list(self._source.starts)]
        if self._slow:
            await asyncio.Event().wait()

    @asynccontextmanager
    async def keeping(self, pipeline: object) -> AsyncGenerator[None]:
        self.said.append("keeping")
        try:
            yield
            self.said.append("kept")
        except SinkError:
            self.said.append("lost")
            raise


def test_the_state_is_recalled_before_the_source_starts() -> None:
    """As it was at the position where the sink resumes; and kept when all was settled."""
    source, sink = MemorySource(bodies(10)), MemorySink(position=b"4")
    memory = Remembering(source)

    run(made(source, sink, memory=memory).run())

    assert memory.said == ["recall", b"4", [], "keeping", "kept"]
    assert source.starts == [b"4"]
    assert len(source.settled) == 6


def test_a_stop_does_not_wait_for_what_is_recalled() -> None:
    """Nothing was started, nothing is kept."""

    async def scenario() -> None:
        source = MemorySource(bodies(10))
        memory = Remembering(source, slow=True)
        chain = made(source, MemorySink(), memory=memory)
        running = asyncio.create_task(chain.run())
        await until(lambda: bool(memory.said))
        chain.stop()
        await running
        assert memory.said == ["recall", None, []]
        assert source.starts == []

    run(scenario())


def test_a_chain_that_fails_says_so_to_its_memory() -> None:
    """It may not wait for a disk then."""
    source = MemorySource(bodies(10))
    memory = Remembering(source)
    with pytest.raises(SinkError):
        run(made(source, MemorySink(refuse=lambda _: "full"), memory=memory).run())
    assert memory.said[3:] == ["keeping", "lost"]


def test_reading_stops_while_the_sink_is_stuck() -> None:
    """The sends in flight are bounded in number: the broker keeps the rest."""

    async def scenario() -> None:
        source, sink = MemorySource(bodies(20_000)), MemorySink()
        sink.hold()
        chain = made(source, sink)
        running = asyncio.create_task(chain.run())
        await until(lambda: sink.in_flight == SENDS_IN_FLIGHT)
        for _ in range(100):
            await asyncio.sleep(0)
        assert chain.counters.received <= (SENDS_IN_FLIGHT + 2) * 1000
        sink.release()
        await running
        assert chain.counters.delivered == 20_000

    run(scenario())


def test_reading_stops_above_the_bytes_that_may_be_unsettled() -> None:
    """The sends in flight are bounded in bytes too."""

    async def scenario() -> None:
        source, sink = MemorySource(ends=False), MemorySink()
        sink.hold()
        chain = made(source, sink, max_unsettled_bytes=100)
        running = asyncio.create_task(chain.run())
        source.feed(body(1))
        await until(lambda: sink.in_flight == 1)
        source.feed(body(2))
        for _ in range(100):
            await asyncio.sleep(0)
        assert chain.counters.received == 1
        sink.release()
        await until(lambda: chain.counters.delivered == 2)
        chain.stop()
        await running

    run(scenario())


def test_large_read_is_sent_in_parts() -> None:
    """A read of a thousand full lists would be 24,000 records in memory at once: each part is settled by itself."""
    lists = [json.dumps([started(uuid=f"u{number}")] * 24).encode() for number in range(1000)]
    source, sink = MemorySource(lists), MemorySink()
    chain = made(source, sink)
    run(chain.run())

    assert max(len(records) for records, _ in sink.sends) < RECORDS_A_SEND + 24
    assert len(sink.sends) == 12
    assert [json.loads(record.value)["uuid"] for record in sink.records[::24]] == [f"u{n}" for n in range(1000)]
    assert len(source.settled) == 1000
    assert chain.counters.balanced


def test_stop_drains_what_was_read() -> None:
    """Only the source is stopped; what it handed out is delivered and settled."""

    async def scenario() -> None:
        source, sink = MemorySource(bodies(50), ends=False), MemorySink()
        sink.hold()
        chain = made(source, sink)
        running = asyncio.create_task(chain.run())
        await until(lambda: sink.in_flight == 1)
        chain.stop()
        chain.stop()
        sink.release()
        await running
        assert len(source.settled) == 50
        assert chain.counters.balanced

    run(scenario())


def test_stop_before_run_ends_it_at_once() -> None:
    """A stop that comes first is not forgotten."""

    async def scenario() -> None:
        source, sink = MemorySource(bodies(3)), MemorySink()
        chain = made(source, sink)
        chain.stop()
        await chain.run()
        assert chain.status is Status.STOPPED
        assert sink.records == []
        assert source.unsettled == 3

    run(scenario())


@pytest.mark.parametrize("down", ["source", "sink"])
def test_stop_while_connecting_is_an_ordinary_stop(down: str) -> None:
    """Whichever end is being waited for, stopping needs no force."""

    async def scenario() -> None:
        source, sink = MemorySource(bodies(3)), MemorySink()
        if down == "source":
            source.down()
        else:
            sink.down()
        chain = made(source, sink)
        running = asyncio.create_task(chain.run())
        for _ in range(10):
            await asyncio.sleep(0)
        chain.stop()
        await running
        assert source.unsettled == 3

    run(scenario())


def test_stop_while_the_sink_resumes_is_an_ordinary_stop() -> None:
    """Kafka may be gone by the time that a replica's turn comes."""

    class Waiting(MemorySink):
        async def resume(self) -> bytes | None:
            asked.set()
            await asyncio.Event().wait()
            raise AssertionError

    asked = asyncio.Event()

    async def scenario() -> None:
        source = MemorySource(bodies(1))
        chain = made(source, Waiting())
        running = asyncio.create_task(chain.run())
        await asked.wait()
        chain.stop()
        await running
        assert source.settled == []

    run(scenario())


def test_source_connects_before_the_sink() -> None:
    """While Kafka is still down the broker already keeps events for us: the queue is declared."""

    async def scenario() -> None:
        source, sink = MemorySource(), MemorySink()
        sink.down()
        chain = made(source, sink)
        running = asyncio.create_task(chain.run())
        source.feed(*bodies(3))
        await asyncio.sleep(0)
        assert source.starts == []  # connected and waiting, not reading
        sink.up()
        await running
        assert uuids(sink) == ["u0", "u1", "u2"]

    run(scenario())


def test_source_starts_where_the_sink_says() -> None:
    """The sink's position is the truth: the source goes on there."""
    source, sink = MemorySource(bodies(5)), MemorySink(position=b"3")
    run(made(source, sink).run())

    assert source.starts == [b"3"]
    assert uuids(sink) == ["u3", "u4"]
    assert sink.position == b"5"


def test_dropped_connection_delivers_again_what_was_unsettled() -> None:
    """At least once: a redelivery has the same event_id, is received again, and the accounts still balance."""

    async def scenario() -> None:
        source, sink = MemorySource([*bodies(5), Drop()]), MemorySink()
        sink.hold()
        chain = made(source, sink)
        running = asyncio.create_task(chain.run())
        await until(lambda: chain.counters.received == 10)
        sink.release()
        await running
        ids = [json.loads(record.value)["event_id"] for record in sink.records]
        assert ids[:5] == ids[5:]
        assert chain.counters.redelivered == 5
        assert chain.counters.balanced
        assert len(source.settled) == 5

    run(scenario())


def test_gap_is_a_record_in_its_place_and_outside_the_accounts() -> None:
    """What was lost before us is told where it was lost."""
    source, sink = MemorySource([body(1), Gap("disconnected", 1795178793.0, 1795178794.5), body(2)]), MemorySink()
    chain = made(source, sink)
    run(chain.run())

    records = [json.loads(record.value) for record in sink.records]
    assert [record["type"] for record in records] == ["task-started", "bridge-gap", "task-started"]
    assert records[1]["from_time"] == "2026-11-20T12:46:33.000Z"
    assert (chain.counters.gaps, chain.counters.received, chain.counters.delivered) == (1, 2, 2)


def test_batch_without_records_still_advances() -> None:
    """Deliveries whose events are all filtered, and empty lists, are settled and move the position."""
    source, sink = MemorySource([b"[]", body(1), b"[]"]), MemorySink()
    chain = made(source, sink, pipeline=pipeline(wanted=("worker-*",)))
    run(chain.run())

    assert sink.records == []
    assert sink.position == b"3"
    assert len(source.settled) == 3
    assert (chain.counters.received, chain.counters.filtered) == (1, 1)


def test_record_that_the_sink_refuses_is_accounted_as_dead_letter() -> None:
    """The sink replaces it, and says so: it is not delivered."""
    counters, stages = Counters(), pipeline(topic="t")

    def dead_letter(record: Record, error: RecordError) -> Record:
        counters.refused(record.events)
        return stages.encoder.refused(record, error)

    letter: DeadLetter = dead_letter
    source = MemorySource(bodies(5))
    sink = MemorySink(dead_letter=letter, refuse=lambda record: "too large" if record.key == b"u2" else None)
    run(made(source, sink, pipeline=stages, counters=counters).run())

    assert [record.topic for record in sink.records] == ["t", "t", "t.dlq", "t", "t"]
    assert sink.records[2].value == body(2)
    assert (counters.delivered, counters.dead_lettered, counters.balanced) == (4, 1, True)


def test_limit_leaves_the_rest_with_the_broker() -> None:
    """What was never looked at is not settled; the broken-off delivery counts as filtered."""
    source = MemorySource([json.dumps([started(uuid="a"), started(uuid="b"), started(uuid="c")]).encode(), body(9)])
    sink = MemorySink()
    chain = made(source, sink, pipeline=pipeline(limit=2))
    run(chain.run())

    assert uuids(sink) == ["a", "b"]
    assert (chain.counters.received, chain.counters.delivered, chain.counters.filtered) == (3, 2, 1)
    assert source.unsettled == 1


@pytest.mark.parametrize("error", [SourceError("gone"), ConfigError("other arguments")])
def test_source_that_cannot_go_on_ends_the_chain_with_its_error(error: Exception) -> None:
    """One chain ends for one reason, and that reason is raised as itself."""
    source = MemorySource([*bodies(3), error])  # type: ignore[list-item]
    chain = made(source, MemorySink())

    with pytest.raises(type(error)) as caught:
        run(chain.run())

    assert caught.value is error
    assert chain.status is Status.STOPPED


def test_sink_that_cannot_go_on_ends_the_chain_and_leaves_deliveries_unsettled() -> None:
    """What the sink did not confirm stays with the broker."""

    async def scenario() -> None:
        source, sink = MemorySource(bodies(5), ends=False), MemorySink()
        sink.hold()
        chain = made(source, sink)
        running = asyncio.create_task(chain.run())
        await until(lambda: sink.in_flight == 1)
        sink.fail(SinkError("broken for ever"))
        with pytest.raises(SinkError, match="broken for ever"):
            await running
        assert source.unsettled == 5
        assert chain.counters.unsettled == 5
        assert chain.counters.balanced

    run(scenario())


def test_a_lost_turn_begins_anew_at_what_the_sink_has() -> None:
    """
    What another replica reads now is forgotten here, and the accounts balance; with the next turn it goes on where the
    sink says, and knows the state of then.
    """

    async def scenario() -> None:
        source, sink = MemorySource(bodies(10), ends=False), MemorySink()
        memory = Remembering(source)
        sink.hold()
        chain = made(source, sink, memory=memory)
        running = asyncio.create_task(chain.run())
        await until(lambda: sink.in_flight > 0)
        sink.position = b"4"  # what the other one wrote
        source.feed(TurnLostError("another one reads"))
        await until(lambda: len(source.starts) == 2)
        await until(lambda: sink.in_flight > 0)
        assert chain.status is Status.OK
        assert (chain.counters.received, chain.counters.unsettled) == (6, 6)
        sink.release()
        await until(lambda: chain.counters.delivered == 6)
        chain.stop()
        await running
        assert uuids(sink) == [f"u{number}" for number in range(4, 10)]
        assert source.starts == [None, b"4"]
        assert memory.said == ["recall", None, [], "keeping", "recall", b"4", [None], "keeping", "kept"]
        assert chain.counters.balanced
        assert chain.lag_seconds == 0

    run(scenario())


def test_a_turn_lost_while_stopping_ends_the_chain() -> None:
    """It does not wait for another one."""

    async def scenario() -> None:
        source, sink = MemorySource(bodies(3), ends=False), MemorySink()
        chain = made(source, sink)
        running = asyncio.create_task(chain.run())
        await until(lambda: chain.counters.delivered == 3)
        source.feed(TurnLostError("another one reads"))
        chain.stop()
        await running
        assert source.starts == [None]
        assert chain.status is Status.STOPPED

    run(scenario())


def test_reason_of_an_end_keeps_its_own_cause() -> None:
    """Whoever handles it can tell a reader that left from a full disk."""

    async def scenario() -> None:
        source, sink = MemorySource(bodies(1), ends=False), MemorySink()
        sink.hold()
        running = asyncio.create_task(made(source, sink).run())
        await until(lambda: sink.in_flight == 1)
        broken = SinkError("broken for ever")
        broken.__cause__ = BrokenPipeError()
        sink.fail(broken)
        with pytest.raises(SinkError) as caught:
            await running
        assert isinstance(caught.value.__cause__, BrokenPipeError)

    run(scenario())


def test_fail_fast_sink_ends_the_start() -> None:
    """An end that is not there is an error when the user wants it so."""
    sink = MemorySink(connect=[ConnectError("down")], fail_fast=True)

    with pytest.raises(ConnectError):
        run(made(MemorySource(bodies(1)), sink).run())


def test_cancelled_chain_settles_nothing_more() -> None:
    """A forced stop leaves with the broker what was not confirmed."""

    async def scenario() -> None:
        source, sink = MemorySource(bodies(5), ends=False), MemorySink()
        sink.hold()
        chain = made(source, sink)
        running = asyncio.create_task(chain.run())
        await until(lambda: sink.in_flight == 1)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert source.unsettled == 5

    run(scenario())


def test_an_invalid_event_ends_it_with_all_before_settled() -> None:
    """`--on-invalid fail`: what came before is delivered and settled, its own delivery stays with the broker."""
    bad = json.dumps({**started(), "uuid": 5}).encode()
    source, sink = MemorySource([*bodies(3), bad, body(9)], ends=False), MemorySink()
    chain = made(source, sink, pipeline=pipeline(on_invalid="fail"))

    with pytest.raises(InvalidEventError, match=r"task-started\.json"):
        run(chain.run())

    assert uuids(sink) == ["u0", "u1", "u2"]
    assert len(source.settled) == 3
    assert chain.counters.balanced
    assert chain.status is Status.STOPPED


def test_what_workers_counted_and_nobody_saw_is_estimated() -> None:
    """Two of four starts are missing, so half of what was received was lost."""
    at = 1_800_000_000.0
    counts = {
        "freq": 2.0,
        "active": 0,
        "loadavg": [0.1, 0.1, 0.1],
        "sw_ident": "py-celery",
        "sw_ver": "5",
        "sw_sys": "L",
    }
    beats = [event("worker-heartbeat", at + n, processed=processed, **counts) for n, processed in enumerate((0, 4, 4))]
    for beat in beats:
        del beat["uuid"]
    sent = [json.dumps(beats[0]).encode(), *bodies(2), *(json.dumps(beat).encode() for beat in beats[1:])]
    chain = made(MemorySource(sent), MemorySink())

    run(chain.run())

    assert (chain.counters.received, chain.counters.dead_lettered) == (5, 0)
    assert chain.events_lost_estimate == 5


class Begun(MemorySink):
    """Notes what was sent before the one after it was."""

    def __init__(self, begun: int) -> None:
        super().__init__(begun=begun)
        self.unconfirmed: list[int] = []

    async def send(self, records: Sequence[Record], position: bytes | None) -> Awaitable[None]:
        self.unconfirmed.append(self.in_flight)
        return await super().send(records, position)


@pytest.mark.parametrize(("begun", "sends", "poison"), [(2, 1, []), (3, 5, []), (4, 5, []), (5, 5, [b"1"])])
def test_where_processes_died_deliveries_go_one_by_one(begun: int, sends: int, poison: list[bytes]) -> None:
    """From the third time on; after the fifth what is at the position is dead-lettered, and nothing else."""
    source, sink = MemorySource(bodies(5)), Begun(begun)

    run(made(source, sink).run())

    assert len(sink.sends) == sends
    assert [position for records, position in sink.sends if b'"poison"' in records[0].value] == poison
    assert len(source.settled) == 5


def test_one_that_goes_alone_is_durable_before_the_next_is_looked_at() -> None:
    """Else the next death could be either one's."""

    async def scenario() -> None:
        source, sink = MemorySource(bodies(3)), Begun(3)
        sink.hold()
        running = asyncio.create_task(made(source, sink).run())
        for _ in range(3):
            await until(lambda: sink.in_flight == 1)
            sink.release(1)
            await until(lambda: sink.in_flight == 0 or len(sink.unconfirmed) == 3)
        sink.release()
        await running
        assert sink.unconfirmed == [0, 0, 0]

    run(scenario())


def test_who_reads_nothing_is_not_counted() -> None:
    """Started and stopped again and again while there is nothing to read, a bridge dies of nothing."""
    sink = MemorySink()
    for _ in range(3):
        run(made(MemorySource(), sink).run())
    assert sink.begun == 0


def test_who_waits_for_the_first_delivery_is_not_counted_until_it_comes() -> None:
    """Killed meanwhile, a bridge dies of nothing."""

    async def scenario() -> None:
        source, sink, clock = MemorySource(ends=False), MemorySink(begun=2), FakeClock()
        sink.hold()
        chain = made(source, sink, clock=clock)
        running = asyncio.create_task(chain.run())
        await until(lambda: sink.begun == 3)
        await clock.until_sleeping()
        clock.turn(5)
        await until(lambda: sink.begun == 2)
        source.feed(body(1))
        await until(lambda: sink.in_flight == 1)
        assert sink.begun == 3
        sink.release()
        chain.stop()
        await running
        assert sink.begun == 0

    run(scenario())


@pytest.mark.parametrize(("begun", "poison"), [(4, 0), (5, 1)])
def test_a_source_whose_broker_keeps_the_position_counts_instead_of_the_sink(begun: int, poison: int) -> None:
    """The sink is not asked."""
    source, sink, counting = MemorySource(bodies(5)), MemorySink(), MemorySink(begun=begun)

    run(made(source, sink, counting=counting).run())

    assert (sink.begun, counting.begun) == (0, begun + 1)
    assert len(sink.sends) == 5
    assert sum(b'"poison"' in record.value for record in sink.records) == poison


def test_a_start_that_finds_nothing_is_taken_back_where_it_was_counted() -> None:
    """Not at the sink."""
    sink, counting = MemorySink(), MemorySink(begun=2)
    run(made(MemorySource(), sink, counting=counting).run())
    assert (sink.begun, counting.begun) == (0, 2)


@pytest.mark.parametrize(("begun", "recalled"), [(2, True), (3, False)])
def test_where_processes_died_nothing_is_recalled(begun: int, recalled: bool) -> None:
    """What is deadly may lie before the position too: it was passed there, as a dead letter."""
    source, sink = MemorySource(bodies(1)), MemorySink(begun=begun)
    memory = Remembering(source)
    run(made(source, sink, memory=memory).run())
    assert ("recall" in memory.said) is recalled


def test_stopped_while_it_recalls_it_is_not_counted() -> None:
    """It was alive."""

    async def scenario() -> None:
        source, sink = MemorySource(bodies(1)), MemorySink()
        memory = Remembering(source, slow=True)
        chain = made(source, sink, memory=memory)
        running = asyncio.create_task(chain.run())
        await until(lambda: "recall" in memory.said)
        assert sink.begun == 1
        chain.stop()
        await running
        assert sink.begun == 0

    run(scenario())
