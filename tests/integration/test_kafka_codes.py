"""Error codes that a real Kafka answers too rarely to wait for: what they may cost in time."""

from collections.abc import Callable

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import UnknownError

from bridge.clients.backoff import BASE_SECONDS
from bridge.clients.kafka import parse_properties
from bridge.clock import SystemClock
from bridge.model import Record
from bridge.sinks.kafka import KafkaSink
from bridge.sinks.kafka import exactly_once as module
from bridge.sinks.kafka.keeper import DOUBT_SECONDS
from bridge.sinks.kafka.producer import Producer, connect
from tests.integration.sending import dead_letter, number, numbered, open_sink
from tests.running import run
from tests.servers.kafka import KafkaServer
from tests.servers.produce_faults import Fault, ProduceFaults
from tests.topics import DEAD_LETTERS, make_topics, new_topic_name, read_topic

pytestmark = pytest.mark.servers("kafka")

INVALID_RECORD, INVALID_PRODUCER_EPOCH = 87, 47


class Pauses:
    """The machine's clock, and how long it was slept on."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._clock = SystemClock()

    def now(self) -> float:
        return self._clock.now()

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await self._clock.sleep(seconds)


def pauses(
    kafka: KafkaServer, records: list[Record], fault: Callable[[str], Fault], *, transactional: bool
) -> tuple[list[float], list[int], list[int]]:
    """How long a sink paused while it wrote them, and the numbers of what is in the topic and in the dead letters."""

    async def check() -> tuple[list[float], list[int], list[int]]:
        topic, clock = new_topic_name(), Pauses()
        await make_topics(kafka.bootstrap, topic, partitions=1)
        async with (
            ProduceFaults(kafka.through("PROXIED")) as network,
            KafkaSink(
                [network.address],
                topic,
                dead_letter=dead_letter,
                transactional_id=f"celery-bridge.{topic}" if transactional else None,
                clock=clock,
            ) as sink,
        ):
            await sink.resume()
            network.faults = [fault(topic)]
            await (await sink.send(records, b"1"))
        written, letters = [
            [number(one.value) for one in await read_topic(kafka.bootstrap, name)]
            for name in (topic, topic + DEAD_LETTERS)
        ]
        return clock.seconds, written, letters

    return run(check(), seconds=90)


@pytest.mark.parametrize("transactional", [False, True])
def test_record_that_may_be_to_blame_is_found_without_waiting_and_doubted_for_seconds(
    kafka: KafkaServer, transactional: bool
) -> None:
    """While fewer and fewer are suspected nothing is gained by a pause; alone it is tried again, a little later."""
    records = numbered(1, 60)

    def fault(topic: str) -> Fault:
        return Fault(topic, INVALID_RECORD, times=float("inf"), holds=records[40].value)

    seconds, written, letters = pauses(kafka, records, fault, transactional=transactional)

    assert sorted(written) == [one for one in range(1, 61) if one != 41]
    assert letters == [41]
    doubts = seconds.count(DOUBT_SECONDS)
    assert doubts in (3, 4)
    assert max(pause for pause in seconds if pause != DOUBT_SECONDS) <= BASE_SECONDS


def test_producer_goes_on_after_a_refusal(kafka: KafkaServer) -> None:
    """The broker saw nothing of the refused batch: the next has its numbers, on the first batch and on later ones."""

    async def check() -> None:
        topic = new_topic_name()
        await make_topics(kafka.bootstrap, topic, partitions=1)
        properties = parse_properties({})
        async with ProduceFaults(kafka.through("PROXIED")) as network:
            producer, _ = await connect([network.address], properties, {topic: 1}, create=False, batch_bytes=10_000)
            try:
                for refused, written in ((1, 11), (2, 12), (3, 13)):
                    network.faults = [Fault(topic, INVALID_RECORD)]
                    with pytest.raises(UnknownError):
                        await send(producer, topic, numbered(refused, refused + 1))
                    await send(producer, topic, numbered(written, written))
            finally:
                await producer.give_up()
        assert [number(one.value) for one in await read_topic(kafka.bootstrap, topic)] == [11, 12, 13]

    async def send(producer: Producer, topic: str, records: list[Record]) -> None:
        batch = producer.batch()
        batch.extend(records, 0, len(records), 10**13)
        await producer.send(batch, topic, 0)

    run(check(), seconds=60)


def test_fenced_again_and_again_by_nobody_it_waits_for_no_rival(
    kafka: KafkaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker may say so when nobody took our place; the coordinator knows, and what was sent is written once."""
    monkeypatch.setattr(module, "_FENCED_SECONDS", 0.25)

    def fault(topic: str) -> Fault:
        return Fault(topic, INVALID_PRODUCER_EPOCH, times=3)

    seconds, written, letters = pauses(kafka, numbered(1, 20), fault, transactional=True)

    assert (sorted(written), letters) == (list(range(1, 21)), [])
    assert 0.25 not in seconds


def test_fenced_by_somebody_it_waits_for_what_that_one_writes(
    kafka: KafkaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that has not written its first position yet would be fenced in return. This one never does: we go on."""
    monkeypatch.setattr(module, "_FENCED_SECONDS", 0.25)

    async def check() -> None:
        topic, clock = new_topic_name(), Pauses()
        name = f"celery-bridge.{topic}"
        await make_topics(kafka.bootstrap, topic, partitions=1)
        async with open_sink(kafka, topic, transactional_id=name, clock=clock) as sink:
            await sink.resume()
            await (await sink.send(numbered(1, 5), b"5"))
            async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, transactional_id=name):
                pass
            await (await sink.send(numbered(6, 9), b"9"))
        assert [number(one.value) for one in await read_topic(kafka.bootstrap, topic)] == list(range(1, 10))
        assert clock.seconds.count(0.25) == 1

    run(check(), seconds=60)
