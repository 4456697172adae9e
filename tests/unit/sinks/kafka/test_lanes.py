"""Unit tests of bridge.sinks.kafka.lanes, over a Kafka that fails on demand."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiokafka.errors import (
    InvalidTimestampError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    PolicyViolationError,
    TopicAuthorizationFailedError,
    UnknownError,
)

from bridge.errors import BlockedError, RecordError, SinkError
from bridge.model import Record
from bridge.sinks.kafka.lanes import Lanes
from bridge.sinks.kafka.outage import Outage
from bridge.sinks.kafka.window import Window
from bridge.telemetry import Status
from bridge.testing import FakeClock
from tests.running import run, until
from tests.scripted_kafka import ScriptedKafka

TOPICS = {"t": 2, "t.dlq": 1}
RECORD_BYTES = 20_000  # more than a batch of the scripted producer, as in the sink


class Sending:
    """Lanes over a scripted Kafka, as a sink uses them."""

    def __init__(self, kafka: ScriptedKafka) -> None:
        self.kafka = kafka
        self.clock = FakeClock()
        self.window = Window()
        self.outage = Outage("scripted", self.clock)
        self.outage.up()
        self.causes: list[str] = []
        self.errors: list[BaseException] = []
        self.lanes = Lanes(
            self.window,
            self.outage,
            topics=("t", "t.dlq"),
            dead_letter=self._dead_letter,
            diagnose=self._diagnose,
            record_bytes=RECORD_BYTES,
            batch_bytes=16_384,
            clock=self.clock,
        )

    def _dead_letter(self, record: Record, cause: RecordError) -> Record:
        self.causes.append(str(cause))
        return replace(record, headers=[("celery.errors.reason", b"sink")])

    async def _diagnose(self) -> str:
        return "asked"

    async def keep(self) -> None:
        """A new producer whenever one broke."""
        try:
            while True:
                producer = self.kafka.producer()
                self.errors.append(await self.lanes.run(producer, self.kafka.partitions, {}))  # type: ignore[arg-type]
        except SinkError as error:
            self.window.fail(str(error))

    async def send(self, records: list[Record]) -> "asyncio.Future[None]":
        send = await self.window.open()
        self.lanes.put(send, records)
        self.window.settle()
        return send.confirmation


@contextlib.asynccontextmanager
async def sending(kafka: ScriptedKafka) -> AsyncIterator[Sending]:
    """With a keeper that runs meanwhile, and has a producer."""
    one = Sending(kafka)
    keeper = asyncio.create_task(one.keep())
    await until(lambda: kafka.producers > 0)
    await asyncio.sleep(0)
    try:
        yield one
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)


def records(*values: bytes, key: bytes = b"key") -> list[Record]:
    """Records of one key."""
    return [Record(value, key=key, timestamp_ms=1000) for value in values]


def numbers(first: int, last: int) -> list[bytes]:
    """Values of that many records."""
    return [b"%d" % n for n in range(first, last + 1)]


def test_sends_that_wait_share_the_next_batch() -> None:
    """While one batch is under way the next ones gather, so a slow round trip costs no throughput."""

    async def check() -> None:
        kafka = ScriptedKafka(TOPICS)
        async with sending(kafka) as one:
            kafka.held.clear()
            waiting = [await one.send(records(b"0"))]
            await until(lambda: len(kafka.batches) == 1)
            waiting += [await one.send(records(b"%d" % n)) for n in range(1, 4)]
            kafka.held.set()
            await asyncio.gather(*waiting)
        assert kafka.batches == [1, 3]
        assert kafka.values("t") == numbers(0, 3)

    run(check())


def test_who_waits_hears_of_a_batch_before_the_next_one_is_made() -> None:
    """The source acknowledges it first: a crash while the next one is made and sent would repeat it."""

    async def check() -> None:
        kafka = ScriptedKafka(TOPICS)
        async with sending(kafka) as one:
            kafka.held.clear()
            first = await one.send(records(b"1"))
            await until(lambda: kafka.batches == [1])
            second = await one.send(records(b"2", b"3"))
            kafka.held.set()
            await first
            assert kafka.batches == [1]
            await second
            assert kafka.batches == [1, 2]

    run(check())


def test_full_batch_leaves_the_rest_for_the_next() -> None:
    """aiokafka's append returns None for what does not fit: nothing of it is lost."""

    async def check() -> None:
        kafka = ScriptedKafka(TOPICS)
        values = [b"%d " % n + b"x" * 5000 for n in range(10)]
        async with sending(kafka) as one:
            await (await one.send(records(*values)))
        assert kafka.values("t") == values
        assert max(kafka.batches) == 3

    run(check())


def test_culprit_is_found_and_costs_its_neighbours_nothing() -> None:
    """One refused record among a hundred: the rest in order, each once; the dead letter made once; no new producer."""

    async def check() -> None:
        kafka = ScriptedKafka(
            TOPICS, lambda topic, value: InvalidTimestampError if (topic, value) == ("t", b"42") else None
        )
        async with sending(kafka) as one:
            await (await one.send(records(*numbers(101, 110))))  # now the broker knows the producer
            await (await one.send(records(*numbers(1, 100))))
        assert kafka.values("t") == [*numbers(101, 110), *numbers(1, 41), *numbers(43, 100)]
        assert kafka.values("t.dlq") == [b"42"]
        assert one.causes == ["Kafka topic t: refused with InvalidTimestampError"]
        assert one.errors == []
        assert one.lanes.learnt > 0

    run(check())


def test_record_that_cannot_be_encoded_becomes_a_dead_letter() -> None:
    """A header's name that is no UTF-8 makes aiokafka raise while it builds the batch: its neighbours do not suffer."""

    async def check() -> None:
        kafka = ScriptedKafka(TOPICS)
        bad = replace(records(b"3")[0], headers=[("\udcff", b"")])
        async with sending(kafka) as one:
            await (await one.send([*records(b"1", b"2"), bad, *records(b"4")]))
        assert (kafka.values("t"), kafka.values("t.dlq")) == ([b"1", b"2", b"4"], [b"3"])
        assert one.causes == ["Kafka topic t: cannot be encoded (UnicodeEncodeError)"]
        assert one.errors == []

    run(check())


def test_headers_may_be_any_sequence() -> None:
    """A Record's are; aiokafka takes lists only."""

    async def check() -> None:
        kafka = ScriptedKafka(TOPICS)
        async with sending(kafka) as one:
            await (await one.send([Record(b"1", headers=()), Record(b"2", headers=(("a", b"b"),))]))
        assert kafka.values("t") == [b"1", b"2"]
        assert one.causes == []

    run(check())


def test_dead_letter_is_durable_before_the_send_is_confirmed() -> None:
    """It is part of the same send."""

    async def check() -> None:
        kafka = ScriptedKafka(TOPICS)
        async with sending(kafka) as one:
            await (await one.send(records(b"1", b"x" * RECORD_BYTES, b"2")))
            assert kafka.values("t") == [b"1", b"2"]
            (letter,) = kafka.values("t.dlq")
        assert letter == (b"x" * RECORD_BYTES)[: len(letter)]
        assert one.causes == [f"Kafka topic t: larger than {RECORD_BYTES} bytes"]

    run(check())


def test_reason_that_may_be_the_brokers_gets_several_attempts() -> None:
    """A record refused without a reason is only given up after five attempts alone, each followed by a new producer."""

    async def check() -> None:
        kafka = ScriptedKafka(TOPICS, lambda topic, value: UnknownError if (topic, value) == ("t", b"2") else None)
        async with sending(kafka) as one:
            await (await one.send(records(*numbers(1, 3))))
        assert kafka.values("t") == [b"1", b"3"]
        assert [type(error) for error in one.errors] == [UnknownError] * 5
        assert one.causes == ["Kafka topic t: refused with UnknownError"]

    run(check())


def test_batch_that_was_written_though_it_was_refused_loses_nothing() -> None:
    """Fewer records with its numbers are out of order: all of it comes again from a new producer, in order."""

    async def check() -> None:
        kafka = ScriptedKafka(TOPICS, faults=["doubtful"])
        async with sending(kafka) as one:
            await (await one.send(records(*numbers(1, 40))))
            assert [type(error) for error in one.errors] == [OutOfOrderSequenceNumber]
        assert kafka.values("t") == numbers(1, 40) * 2
        assert one.causes == []

    run(check())


def test_record_that_was_written_though_it_was_refused_does_not_hide_the_next() -> None:
    """With the number of the condemned one, the next would pass for it: the broker drops what it takes for a repeat."""

    async def check() -> None:
        def refuse(topic: str, value: bytes) -> type[Exception] | None:
            return UnknownError if (topic, value) == ("t", b"1") and len(kafka.batches) > 1 else None

        kafka = ScriptedKafka(TOPICS, refuse, faults=["doubtful"])
        async with sending(kafka) as one:
            kafka.held.clear()
            waiting = [await one.send(records(b"1"))]
            await until(lambda: len(kafka.batches) == 1)
            waiting.append(await one.send(records(b"2")))
            kafka.held.set()
            await asyncio.gather(*waiting)
        assert kafka.values("t") == [b"1", b"2"]
        assert kafka.values("t.dlq") == [b"1"]

    run(check())


def test_missing_right_makes_no_dead_letters() -> None:
    """It may be granted: the records wait."""

    async def check() -> None:
        denied = True
        kafka = ScriptedKafka(TOPICS, lambda *_: TopicAuthorizationFailedError if denied else None)
        async with sending(kafka) as one:
            confirmation = await one.send(records(*numbers(1, 3)))
            await until(lambda: len(one.errors) > 3)
            denied = False
            await confirmation
        assert kafka.values("t") == numbers(1, 3)
        assert one.causes == []

    run(check())


def test_batches_become_smaller_when_the_topic_refuses_them_as_too_large() -> None:
    """Where we may not read its limit, a refused batch is the way to learn it."""

    async def check() -> None:
        kafka = ScriptedKafka(
            TOPICS, lambda topic, value: MessageSizeTooLargeError if (topic, value) == ("t", b"2") else None
        )
        async with sending(kafka) as one:
            one.lanes.batch_bytes = 1_000_000
            await (await one.send(records(*numbers(1, 3))))
            assert one.lanes.batch_bytes == 500_000
            assert len(one.errors) == 1  # for the new limit; the search for the record needs no more of them
        assert (kafka.values("t"), kafka.values("t.dlq")) == ([b"1", b"3"], [b"2"])

    run(check())


def test_refused_dead_letter_blocks_until_somebody_changes_the_topic() -> None:
    """There is nowhere left to put it, and it must not be dropped."""

    async def check() -> None:
        refuse = True
        kafka = ScriptedKafka(TOPICS, lambda topic, _: InvalidTimestampError if topic == "t" or refuse else None)
        async with sending(kafka) as one:
            confirmation = await one.send(records(b"1"))
            await until(lambda: any(isinstance(error, BlockedError) for error in one.errors))
            assert "the Kafka topic t.dlq does not take a dead letter: refused with" in str(one.errors[-1])
            refuse = False
            await confirmation
        assert kafka.values("t.dlq") == [b"1"]
        assert len(one.causes) == 1

    run(check())


def test_third_refusal_in_a_row_without_a_known_reason_blocks() -> None:
    """It is the topic's fault: nothing more becomes a dead letter, and all of it is written once the topic is right."""

    async def check() -> None:
        refuse = True
        kafka = ScriptedKafka(TOPICS, lambda topic, _: PolicyViolationError if topic == "t" and refuse else None)
        async with sending(kafka) as one:
            confirmation = await one.send(records(*numbers(1, 20)))
            await until(lambda: any(isinstance(error, BlockedError) for error in one.errors))
            assert kafka.values("t.dlq") == [b"1", b"2"]
            refuse = False
            await confirmation
        assert kafka.values("t") == numbers(3, 20)
        assert len(one.causes) == 2

    run(check())


def test_refusals_with_records_taken_in_between_block_nothing() -> None:
    """They are the records' own fault."""

    async def check() -> None:
        bad = {b"%d" % n for n in range(0, 40, 4)}
        kafka = ScriptedKafka(
            TOPICS, lambda topic, value: PolicyViolationError if topic == "t" and value in bad else None
        )
        async with sending(kafka) as one:
            await (await one.send(records(*numbers(0, 39))))
            assert not any(isinstance(error, BlockedError) for error in one.errors)
        assert set(kafka.values("t.dlq")) == bad

    run(check())


def test_dead_letter_refused_for_its_time_is_sent_with_the_present_one() -> None:
    """Better a dead letter with a wrong time than a chain that stops."""

    async def check() -> None:
        answers = iter([InvalidTimestampError, InvalidTimestampError])
        kafka = ScriptedKafka(TOPICS, lambda *_: next(answers, None))
        async with sending(kafka) as one:
            await (await one.send(records(b"1")))
            (letter,) = kafka.logs["t.dlq", 0]
        assert (letter.value, letter.timestamp) == (b"1", int(one.clock.now() * 1000))

    run(check())


def test_record_for_a_foreign_topic_is_our_own_mistake() -> None:
    """The sink looks at two topics and writes no other."""

    async def check() -> None:
        async with sending(ScriptedKafka(TOPICS)) as one:
            with pytest.raises(SinkError, match="which this sink does not write"):
                await one.send([Record(b"1", topic="elsewhere", key=b"k")])
            await (await one.send(records(b"2")))

    run(check())


def test_silent_kafka_is_told_with_what_a_probe_found(capsys: pytest.CaptureFixture[str]) -> None:
    """A batch without an answer for some seconds makes the sink's state FAILING; an answer ends it."""

    async def check() -> None:
        kafka = ScriptedKafka(TOPICS)
        async with sending(kafka) as one:
            kafka.held.clear()
            confirmation = await one.send(records(b"1"))
            await until(lambda: len(kafka.batches) == 1)
            one.clock.turn(6)
            await until(lambda: one.outage.status is Status.FAILING)
            kafka.held.set()
            await confirmation
            await until(lambda: one.outage.status is Status.OK)
        assert "no confirmation: asked" in capsys.readouterr().err

    run(check())


def test_batch_without_an_answer_for_minutes_gets_a_new_producer() -> None:
    """Should aiokafka ever hang: the batch is sent again, perhaps twice, but sent."""

    async def check() -> None:
        kafka = ScriptedKafka(TOPICS)
        async with sending(kafka) as one:
            kafka.held.clear()
            confirmation = await one.send(records(b"1"))
            await until(lambda: len(kafka.batches) == 1)
            one.clock.turn(301)
            await until(lambda: kafka.producers == 2)
            kafka.held.set()
            await confirmation
        assert set(kafka.values("t")) == {b"1"}

    run(check())


def test_records_without_a_key_stay_together_per_send() -> None:
    """They share a batch, and the next send takes the next partition."""

    async def check() -> None:
        kafka = ScriptedKafka(TOPICS)
        async with sending(kafka) as one:
            for first in (1, 11):
                await (await one.send([Record(value, key=None) for value in numbers(first, first + 9)]))
        assert kafka.batches == [10, 10]
        assert {len(kafka.logs["t", 0]), len(kafka.logs["t", 1])} == {10}

    run(check())


def test_cluster_that_moved_gets_a_new_producer() -> None:
    """All brokers have other addresses: aiokafka would ask the old ones for ever."""

    async def check() -> None:
        kafka = ScriptedKafka(TOPICS)
        async with sending(kafka) as one:
            kafka.held.clear()
            confirmation = await one.send(records(b"1"))
            await until(lambda: len(kafka.batches) == 1)
            kafka.moved = True
            one.clock.turn(21)
            await until(lambda: kafka.producers == 2)
            kafka.held.set()
            await confirmation
        assert str(one.errors) == "[ConnectionError('the brokers have other addresses now')]"

    run(check())
