"""Reading a stored position back from a real Kafka."""

import asyncio

import pytest
from aiokafka import AIOKafkaProducer

from bridge.clients.kafka import parse_properties
from bridge.sinks.kafka.positions import PositionReader, Stored, read_stored
from tests.running import run, until
from tests.servers.kafka import KafkaServer
from tests.servers.proxy import Proxy
from tests.topics import make_topic, new_topic_name

pytestmark = pytest.mark.servers("kafka")


async def write(producer: AIOKafkaProducer, topic: str, transactional_id: str, positions: range) -> None:
    """Store some positions, one after the other, on the partition of their key."""
    for position in positions:
        record = Stored(b"%d" % position, "w", position).record(topic, transactional_id, 1000)
        written = await producer.send(topic, record.value, key=record.key)
    await written


async def read(server: KafkaServer, topic: str, transactional_id: str, *, partitions: int = 1) -> bytes | None:
    """The position that is stored; None: none."""
    stored = await read_stored([server.bootstrap], parse_properties({}), topic, partitions, transactional_id)
    return None if stored is None else stored.position


@pytest.mark.parametrize("partitions", [1, 3])
def test_last_position_is_found_however_many_others_are_behind_it(kafka: KafkaServer, partitions: int) -> None:
    """Writers share the topic: one that was away for long has its position far from the end. None has none."""

    async def check() -> None:
        topic = new_topic_name()
        await make_topic(kafka.bootstrap, topic, partitions=partitions)
        async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
            assert await read(kafka, topic, "away", partitions=partitions) is None
            await write(producer, topic, "away", range(1, 4))
            await write(producer, topic, "busy", range(1, 1501))
            assert await read(kafka, topic, "away", partitions=partitions) == b"3"
            assert await read(kafka, topic, "busy", partitions=partitions) == b"1500"
            assert await read(kafka, topic, "new", partitions=partitions) is None
            await producer.send_and_wait(topic, None, key=b"away")
            assert await read(kafka, topic, "away", partitions=partitions) is None  # forgotten on purpose

    run(check(), seconds=60)


def test_only_committed_positions_count(kafka: KafkaServer) -> None:
    """Neither what a transaction that was given up has left at the end, nor what an open one has written so far."""

    async def check() -> None:
        topic = new_topic_name()
        await make_topic(kafka.bootstrap, topic)
        async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, transactional_id=topic) as producer:
            for position, ends in ((1, producer.commit_transaction), (2, producer.abort_transaction)):
                await producer.begin_transaction()
                await write(producer, topic, "id", range(position, position + 1))
                await ends()
            assert await read(kafka, topic, "id") == b"1"
            await producer.begin_transaction()
            await write(producer, topic, "id", range(3, 4))
            assert await read(kafka, topic, "id") == b"1"
            await producer.commit_transaction()
            assert await read(kafka, topic, "id") == b"3"

    run(check(), seconds=60)


def test_reader_that_is_asked_again_sees_what_was_stored_meanwhile(kafka: KafkaServer) -> None:
    """Over the same connection, also when it had reached the end; and what is open still does not count."""

    async def check() -> None:
        topic = new_topic_name()
        await make_topic(kafka.bootstrap, topic)
        servers, properties = [kafka.bootstrap], parse_properties({})
        async with (
            AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, transactional_id=topic) as producer,
            PositionReader(servers, properties, topic, 1, "id") as reader,
        ):
            assert await reader.read() is None
            for position in range(1, 4):
                await producer.begin_transaction()
                await write(producer, topic, "id", range(position, position + 1))
                before = await reader.read()
                assert (before.transaction if before is not None else 0) == position - 1
                await producer.commit_transaction()
                assert await reader.read() == Stored(b"%d" % position, "w", position)
            await reader.close()
            assert await reader.read() == Stored(b"3", "w", 3)  # connects again

    run(check(), seconds=60)


def test_reading_can_be_given_up_while_the_broker_is_silent(kafka: KafkaServer) -> None:
    """Nothing of the consumer stays behind."""

    async def check() -> None:
        topic = new_topic_name()
        await make_topic(kafka.bootstrap, topic)
        async with Proxy(kafka.through("PROXIED")[1]) as direct:
            direct.freeze()
            reading = asyncio.create_task(
                read_stored([f"127.0.0.1:{direct.port}"], parse_properties({}), topic, 1, "id")
            )
            await until(lambda: direct.accepted > 0)
            reading.cancel()
            await asyncio.wait({reading}, timeout=10)
            assert reading.cancelled()

    run(check(), seconds=30)
