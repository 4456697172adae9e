"""Unit tests of bridge.sinks.kafka.transactions, over a Kafka that fails on demand."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from aiokafka.errors import InvalidTimestampError, OutOfOrderSequenceNumber, UnknownError

from bridge.errors import BlockedError, FencedError, RecordError, SinkError
from bridge.model import Record
from bridge.sinks.kafka.lanes import Lanes
from bridge.sinks.kafka.outage import Outage
from bridge.sinks.kafka.positions import Begun, Stored, parse
from bridge.sinks.kafka.transactions import SENDS, Transactions
from bridge.sinks.kafka.window import Window
from bridge.telemetry import Status
from bridge.testing import FakeClock
from tests.running import run, until
from tests.scripted_kafka import ScriptedKafka
from tests.unit.sinks.kafka.test_lanes import numbers, records

TOPICS = {"t": 2, "t.dlq": 1, "t.positions": 1}
RECORD_BYTES = 20_000
NAME = "celery-bridge.test.default"


class Writing:
    """Transactions over a scripted Kafka, as a sink uses them. `keep` needs a task."""

    def __init__(self, kafka: ScriptedKafka) -> None:
        self.kafka = kafka
        self.clock = FakeClock()
        self.window = Window(SENDS)
        self.outage = Outage("scripted", self.clock)
        self.outage.up()
        self.causes: list[str] = []
        self.elsewhere = False
        """Whether dead letters are kept elsewhere."""
        self.waits = False
        """It is asked whether those are written, and they are not."""
        self.written = asyncio.Event()
        self.written.set()
        self.slow = False
        """Whether they take until `written` is set."""
        self.lost = False
        """Whether they cannot be."""
        self.errors: list[BaseException] = []
        self.transactions = Transactions(
            self.window,
            self._lanes,
            transactional_id=NAME,
            topic="t.positions",
            clock=self.clock,
            letters_written=self._letters_written,
        )

    def _lanes(self, window: Window, replaced: Callable[[Record, Record | None], None]) -> Lanes:
        return Lanes(
            window,
            self.outage,
            topics=("t", "t.dlq"),
            dead_letter=self._dead_letter,
            diagnose=self._diagnose,
            record_bytes=RECORD_BYTES,
            batch_bytes=16_384,
            clock=self.clock,
            replaced=replaced,
        )

    def _dead_letter(self, record: Record, cause: RecordError) -> Record | None:
        self.causes.append(str(cause))
        if self.elsewhere:
            if self.slow:
                self.written.clear()
            return None
        return replace(record, headers=[("celery.errors.reason", b"sink")])

    async def _letters_written(self) -> None:
        self.waits = True
        await self.written.wait()
        self.waits = False
        if self.lost:
            raise SinkError("the disk is full")

    async def _diagnose(self) -> str:
        return "asked"

    async def keep(self) -> None:
        """A new producer whenever one broke."""
        try:
            while True:
                producer = self.kafka.producer(transactional=True)
                self.transactions.resolve(stored(self.kafka))
                error = await self.transactions.run(producer, self.kafka.partitions, {})  # type: ignore[arg-type]
                self.errors.append(error)
        except SinkError as failure:
            self.window.fail(failure)

    async def begin(self) -> "asyncio.Future[None]":
        send = await self.window.open()
        self.transactions.put(send, [], None, begun=Begun(1))
        return send.confirmation

    async def send(self, records: list[Record], position: bytes | None = None) -> "asyncio.Future[None]":
        send = await self.window.open()
        self.transactions.put(send, records, position)
        return send.confirmation


def stored(kafka: ScriptedKafka) -> Stored | None:
    """What is stored as the position."""
    log = kafka.logs["t.positions", 0]
    return parse(log[-1].value) if log else None


@contextlib.asynccontextmanager
async def writing(kafka: ScriptedKafka) -> AsyncIterator[Writing]:
    """With a keeper that runs meanwhile, and has taken its place; ended as by kill -9."""
    one = Writing(kafka)
    keeper = asyncio.create_task(one.keep())
    try:
        await (await one.send([]))
        yield one
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)


def test_records_and_position_are_committed_together() -> None:
    """A send is confirmed when both are there."""

    async def check() -> None:
        kafka = ScriptedKafka(TOPICS)
        async with writing(kafka) as one:
            assert one.transactions.position is None
            await (await one.send(records(b"1", b"2"), b"7"))
            assert kafka.values("t") == [b"1", b"2"]
            assert stored(kafka) == Stored(b"7", one.transactions._writer, 1)
            await (await one.send([], b"9"))
            await (await one.send(records(b"3"), None))  # has none of its own
            assert one.transactions.position == b"9"

    run(check())


def test_sends_that_come_during_a_transaction_share_the_next() -> None:
    """The latency of a commit is what gathers them."""

    async def check() -> None:
        kafka = ScriptedKafka(TOPICS)
        async with writing(kafka) as one:
            kafka.held.clear()
            waiting = [await one.send(records(b"1"), b"1")]
            await until(lambda: len(kafka.batches) == 3)  # the claim, the record and its position
            waiting += [await one.send(records(b"%d" % n), b"%d" % n) for n in range(2, 5)]
            kafka.held.set()
            await asyncio.gather(*waiting)
        assert kafka.commits == 3
        assert kafka.values("t") == numbers(1, 4)

    run(check())


def test_a_full_transaction_leaves_the_rest_to_the_next() -> None:
    """So that sends are gathered while it is committed; the position of each covers what is in it, and no more."""

    async def check() -> None:
        kafka = ScriptedKafka(TOPICS)
        async with writing(kafka) as one:
            kafka.held.clear()
            waiting = [await one.send(records(b"0"), b"0")]
            await until(lambda: len(kafka.batches) == 3)  # the claim, the record and its position
            waiting += [await one.send(records(*[b"%d" % n] * 1000), b"%d" % n) for n in range(1, 6)]
            kafka.held.set()
            await waiting[3]
            assert (one.transactions.position, waiting[4].done()) == (b"3", False)
            await asyncio.gather(*waiting)
            assert one.transactions.position == b"5"
        assert kafka.commits == 4
        assert len(kafka.values("t")) == 5001

    run(check())


@pytest.mark.parametrize("fault", ["lost", "failed"])
def test_unknown_outcome_of_a_commit_is_found_out(fault: str) -> None:
    """Committed: nothing is written again. Not: all of it is. What came meanwhile is not touched by it."""

    async def check() -> None:
        # The claim: its batch, its commit. Then the batches of record and position, and the commit that fails.
        kafka = ScriptedKafka(TOPICS, faults=["", "", "", "", fault])
        async with writing(kafka) as one:
            first = await one.send(records(b"1", b"2"), b"2")
            second = await one.send(records(b"3"), b"3")
            await asyncio.gather(first, second)
            assert len(one.errors) == 1
        assert kafka.values("t") == numbers(1, 3)
        assert kafka.producers == 2

    run(check())


def test_next_writer_goes_on_at_the_stored_position() -> None:
    """Nothing of the transaction that a kill interrupted is there."""

    async def check() -> None:
        kafka = ScriptedKafka(TOPICS)
        async with writing(kafka) as one:
            await (await one.send(records(b"1"), b"1"))
            kafka.held.clear()
            await one.send(records(b"2"), b"2")
            await until(lambda: len(kafka.batches) == 5)
        kafka.held.set()
        async with writing(kafka) as other:
            assert other.transactions.position == b"1"
            await (await other.send(records(b"2"), b"2"))
        assert kafka.values("t") == [b"1", b"2"]

    run(check())


def test_writer_that_lost_its_place_stops_and_says_why() -> None:
    """The next one has written its own first position: the old one must not fence it in return."""

    async def check() -> None:
        kafka = ScriptedKafka(TOPICS)
        async with writing(kafka) as old, writing(kafka) as new:
            for _ in range(2):
                with pytest.raises(
                    FencedError, match=r"another bridge writes to Kafka as celery-bridge\.test\.default"
                ):
                    await (await old.send(records(b"1"), b"1"))
            await (await new.send(records(b"1"), b"1"))
        assert kafka.values("t") == [b"1"]

    run(check())


def test_transaction_that_the_broker_gave_up_is_written_again() -> None:
    """Fenced by a timeout, not by another writer: the place is still ours."""

    async def check() -> None:
        kafka = ScriptedKafka(TOPICS)
        async with writing(kafka) as one:
            kafka.producers += 1  # what the coordinator does after transaction.timeout.ms: a new epoch
            await (await one.send(records(b"1"), b"1"))
        assert kafka.values("t") == [b"1"]

    run(check())


def test_positions_that_somebody_deleted_are_written_anew() -> None:
    """Our place is still ours: we know how far we got."""

    async def check() -> None:
        kafka = ScriptedKafka(TOPICS)
        async with writing(kafka) as one:
            await (await one.send(records(b"1"), b"1"))
            kafka.logs["t.positions", 0].clear()
            kafka.producers += 1  # the producer is of no more use
            await (await one.send(records(b"2"), None))
            assert stored(kafka) == Stored(b"1", one.transactions._writer, 2)
        assert kafka.values("t") == [b"1", b"2"]

    run(check())


def test_culprit_becomes_a_dead_letter_in_the_same_transaction() -> None:
    """A refusal costs no other record, no order, and no new producer; its dead letter is made once."""

    async def check() -> None:
        kafka = ScriptedKafka(
            TOPICS, lambda topic, value: InvalidTimestampError if (topic, value) == ("t", b"42") else None
        )
        async with writing(kafka) as one:
            await (await one.send(records(*numbers(1, 100)), b"100"))
            assert one.transactions.committed == 2
            assert one.errors == []
            assert kafka.values("t.dlq") == [b"42"]
        assert kafka.values("t") == [*numbers(1, 41), *numbers(43, 100)]
        assert one.causes == ["Kafka topic t: refused with InvalidTimestampError"]

    run(check())


def test_batch_that_was_written_though_it_was_refused_is_written_once() -> None:
    """Fewer records with its numbers are out of order: the transaction is given up, and written again."""

    async def check() -> None:
        kafka = ScriptedKafka(TOPICS, faults=["", "", "doubtful"])  # the claim and its commit come first
        async with writing(kafka) as one:
            await (await one.send(records(*numbers(1, 40)), b"40"))
            assert [type(error) for error in one.errors] == [OutOfOrderSequenceNumber]
        assert kafka.values("t") == numbers(1, 40)
        assert one.causes == []

    run(check())


def test_culprit_that_may_be_innocent_is_tried_in_five_transactions() -> None:
    """What fails may be the transaction's fault: each attempt at the record alone begins another one."""

    async def check() -> None:
        kafka = ScriptedKafka(TOPICS, lambda topic, value: UnknownError if (topic, value) == ("t", b"42") else None)
        async with writing(kafka) as one:
            await (await one.send(records(*numbers(1, 100)), b"100"))
            assert [type(error) for error in one.errors] == [UnknownError] * 5
        assert kafka.values("t") == [*numbers(1, 41), *numbers(43, 100)]
        assert kafka.values("t.dlq") == [b"42"]

    run(check())


@pytest.mark.parametrize("refused", [b"2", b"x" * RECORD_BYTES])
def test_culprit_whose_letter_is_kept_elsewhere_leaves_no_trace(refused: bytes) -> None:
    """The others are written, and it is seen to once, however often the transaction is."""

    async def check() -> None:
        kafka = ScriptedKafka(
            TOPICS, lambda topic, value: InvalidTimestampError if (topic, value) == ("t", b"2") else None
        )
        async with writing(kafka) as one:
            one.elsewhere = True
            await (await one.send(records(b"1", refused, b"3"), b"3"))
        assert (kafka.values("t"), kafka.values("t.dlq")) == ([b"1", b"3"], [])
        assert len(one.causes) == 1

    run(check())


@pytest.mark.parametrize("refused", [b"2", b"x" * RECORD_BYTES])
def test_position_waits_for_the_letter_that_is_kept_elsewhere(refused: bytes) -> None:
    """Else a crash in between would leave neither record nor letter, and the position behind both."""

    async def check() -> None:
        kafka = ScriptedKafka(
            TOPICS, lambda topic, value: InvalidTimestampError if (topic, value) == ("t", b"2") else None
        )
        async with writing(kafka) as one:
            one.elsewhere = True
            await (await one.send(records(b"0"), b"0"))
            one.slow = True
            sending = await one.send(records(b"1", refused, b"3"), b"3")
            await until(lambda: bool(one.causes))
            await until(lambda: one.waits and not one.written.is_set())
            for _ in range(100):
                await asyncio.sleep(0)
            assert not sending.done()
            assert stored(kafka).position == b"0"  # type: ignore[union-attr]
            one.written.set()
            await sending
            assert stored(kafka).position == b"3"  # type: ignore[union-attr]

    run(check())


def test_letter_that_cannot_be_kept_elsewhere_ends_the_sink() -> None:
    """As any sink that cannot go on."""

    async def check() -> None:
        async with writing(ScriptedKafka(TOPICS)) as one:
            one.lost = True
            with pytest.raises(SinkError, match="disk is full"):
                await (await one.send(records(b"1")))

    run(check())


def test_record_too_large_costs_no_producer() -> None:
    """It is found before it is sent."""

    async def check() -> None:
        kafka = ScriptedKafka(TOPICS)
        async with writing(kafka) as one:
            await (await one.send(records(b"1", b"x" * RECORD_BYTES, b"2"), b"1"))
            assert one.errors == []
        assert kafka.values("t") == [b"1", b"2"]
        assert len(kafka.values("t.dlq")) == 1

    run(check())


def test_topic_that_refuses_everything_is_not_emptied_into_the_dead_letters() -> None:
    """Two single records of one send are dead letters already: they are not committed either, for the third blocks."""

    async def check() -> None:
        refuse = True
        kafka = ScriptedKafka(TOPICS, lambda topic, _: UnknownError if topic == "t" and refuse else None)
        async with writing(kafka) as one:
            confirmation = await one.send(records(*numbers(1, 20)), b"20")
            await until(lambda: any(isinstance(error, BlockedError) for error in one.errors))
            assert kafka.values("t.dlq") == []
            refuse = False
            await confirmation
        assert kafka.values("t") == numbers(3, 20)
        assert kafka.values("t.dlq") == numbers(1, 2)
        assert "the Kafka topic t takes no records: refused with UnknownError" in str(one.errors)

    run(check())


def test_position_that_is_refused_is_never_a_dead_letter() -> None:
    """It is tried again."""

    async def check() -> None:
        refuse = False
        kafka = ScriptedKafka(
            TOPICS, lambda topic, _: InvalidTimestampError if topic == "t.positions" and refuse else None
        )
        async with writing(kafka) as one:
            refuse = True
            confirmation = await one.send([], b"1")
            await until(lambda: any(isinstance(error, BlockedError) for error in one.errors))
            refuse = False
            await confirmation
        assert one.transactions.position == b"1"
        assert kafka.values("t.dlq") == []

    run(check())


def test_commit_without_an_answer_is_told_and_gets_a_new_producer() -> None:
    """While it is under way no batch is: its silence counts all the same."""

    async def check() -> None:
        kafka = ScriptedKafka(TOPICS)
        async with writing(kafka) as one:
            kafka.commits_held.clear()
            confirmation = await one.send(records(b"1"), b"1")
            await until(lambda: one.transactions.lanes.since is not None)
            one.clock.turn(6)
            await until(lambda: one.outage.status is Status.FAILING)
            one.clock.turn(301)
            await until(lambda: kafka.producers == 2)
            kafka.commits_held.set()
            await confirmation
        assert kafka.values("t") == [b"1"]

    run(check())


def test_who_looked_and_died_is_counted_beside_the_position() -> None:
    """By the next one; taking one's place is no look yet, and whatever is committed begins anew."""

    async def check() -> None:
        kafka = ScriptedKafka(TOPICS)
        for before in range(2):
            async with writing(kafka) as one:
                assert one.transactions.begun == Begun(before)
                await (await one.begin())
        async with writing(kafka) as one:
            assert one.transactions.begun == Begun(2)
        async with writing(kafka) as one:
            assert one.transactions.begun == Begun(2)
            await (await one.begin())
            await (await one.send(records(b"1"), b"1"))
        async with writing(kafka) as one:
            assert one.transactions.begun == Begun()
            assert one.transactions.position == b"1"

    run(check())


@pytest.mark.parametrize("fault", ["lost", "failed"])
def test_a_look_whose_commit_is_unknown_counts_once(fault: str) -> None:
    """Whether it was committed or not."""

    async def check() -> None:
        kafka = ScriptedKafka(TOPICS, faults=["", "", "", fault])  # the claim; the batch, the commit
        async with writing(kafka) as one:
            await (await one.begin())
            assert len(one.errors) == 1
        last = stored(kafka)
        assert last is not None
        assert last.begun == Begun(1)

    run(check())
