"""The Kafka sink against a real broker: what is written, and where."""

import asyncio
import time

import pytest

from bridge.model import Record
from tests.integration.sending import number, numbered, open_sink, write
from tests.running import run, until
from tests.servers.kafka import KafkaServer
from tests.topics import DEAD_LETTERS, account, delete_topic, make_topic, make_topics, new_topic_name, read_topic

pytestmark = pytest.mark.servers("kafka")


def test_record_is_read_back_as_it_was_sent(kafka: KafkaServer) -> None:
    """Key, value, headers in order (repeated and empty ones too) and CreateTime arrive unchanged."""
    headers = [("ce_id", b"1"), ("again", b"a"), ("again", b""), ("text", "ü".encode())]
    then = 1_700_000_000_123

    async def check() -> None:
        topic = new_topic_name()
        await make_topics(kafka.bootstrap, topic)
        async with open_sink(kafka, topic) as sink:
            sent = [
                Record(b'{"a":1}', key=b"k", timestamp_ms=then, headers=headers),
                Record(b'{"a":2}', key=None, timestamp_ms=then),
                Record(b"letter", topic=topic + DEAD_LETTERS, key=b"k", timestamp_ms=then),
            ]
            await write(sink, sent)
        found = {record.value: record for record in await read_topic(kafka.bootstrap, topic)}
        (letter,) = await read_topic(kafka.bootstrap, topic + DEAD_LETTERS)

        first, second = found[b'{"a":1}'], found[b'{"a":2}']
        assert (first.key, first.timestamp, list(first.headers)) == (b"k", then, headers)
        assert (second.key, second.timestamp, list(second.headers)) == (None, then, [])
        assert (letter.value, letter.key) == (b"letter", b"k")
        assert first.timestamp_type == 0  # CreateTime

    run(check(), seconds=60)


def test_create_time_is_clamped_to_what_brokers_accept(kafka: KafkaServer) -> None:
    """A time ahead by days arrives as at most an hour ahead, one before 1970 as 1970; nothing is refused for it."""

    async def check() -> None:
        topic = new_topic_name()
        await make_topics(kafka.bootstrap, topic)
        now = int(time.time() * 1000)
        async with open_sink(kafka, topic) as sink:
            await write(sink, numbered(1, 1, timestamp_ms=now + 10 * 86_400_000) + numbered(2, 2, timestamp_ms=-5))
        found = {number(record.value): record.timestamp for record in await read_topic(kafka.bootstrap, topic)}

        assert now + 49 * 60_000 < found[1] < now + 60 * 60_000
        assert found[2] == 0

    run(check(), seconds=60)


def test_keys_go_where_other_producers_put_them(kafka: KafkaServer) -> None:
    """The partition of a key is that of Java's producer: aiokafka's own partitioner, a port of it, agrees."""
    from aiokafka.partitioner import DefaultPartitioner

    async def check() -> None:
        topic = new_topic_name()
        await make_topics(kafka.bootstrap, topic, partitions=6)
        async with open_sink(kafka, topic) as sink:
            await write(sink, numbered(1, 200, keys=200))
        found = await read_topic(kafka.bootstrap, topic)

        assert len(found) == 200
        partitions = list(range(6))
        assert all(record.partition == DefaultPartitioner()(record.key, partitions, partitions) for record in found)
        assert {record.partition for record in found} == set(partitions)

    run(check(), seconds=60)


def test_much_is_written_completely_and_in_order(kafka: KafkaServer) -> None:
    """30,000 records in sends of 500, several under way: each once, those of a key in order."""

    async def check() -> None:
        topic = new_topic_name()
        await make_topics(kafka.bootstrap, topic)
        records = numbered(1, 30_000, keys=500)
        async with open_sink(kafka, topic) as sink:
            confirmations = [await sink.send(records[at : at + 500], None) for at in range(0, len(records), 500)]
            for confirmation in confirmations:
                await confirmation
        sent = [(record.key, number(record.value)) for record in records]
        found = account(sent, await read_topic(kafka.bootstrap, topic), number)

        assert (found.lost, found.unknown, found.repeated, found.disordered) == ([], [], {}, [])

    run(check(), seconds=60)


def test_missing_topics_are_waited_for_and_named(kafka: KafkaServer, capsys: pytest.CaptureFixture[str]) -> None:
    """The log says which topic is missing; once it is made, everything goes on by itself."""

    async def check() -> None:
        topic = new_topic_name()
        await make_topic(kafka.bootstrap, topic + DEAD_LETTERS)
        sink = open_sink(kafka, topic)
        entering = asyncio.create_task(sink.__aenter__())
        logged = ""
        async with asyncio.timeout(40):
            while f"missing: {topic} (" not in logged:
                logged += capsys.readouterr().err
                await asyncio.sleep(0.02)
        assert not entering.done()
        await make_topic(kafka.bootstrap, topic, partitions=3)
        await entering
        await write(sink, numbered(1, 10))
        await sink.__aexit__(None, None, None)

        assert len(await read_topic(kafka.bootstrap, topic)) == 10

    run(check(), seconds=60)


def test_topics_are_created_when_asked_for(kafka: KafkaServer) -> None:
    """With create_topics both are there before the sink is: 6 partitions, and 1 for the dead letters."""
    from aiokafka.admin import AIOKafkaAdminClient

    async def check() -> None:
        topic = new_topic_name()
        async with open_sink(kafka, topic, create_topics=True) as sink:
            await write(sink, numbered(1, 10))
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
        await admin.start()
        found = await admin.describe_topics([topic, topic + DEAD_LETTERS])
        await admin.close()

        assert {one["topic"]: len(one["partitions"]) for one in found} == {topic: 6, topic + DEAD_LETTERS: 1}
        assert len(await read_topic(kafka.bootstrap, topic)) == 10

    run(check(), seconds=60)


def test_topic_made_anew_with_fewer_partitions_gets_what_waits(kafka: KafkaServer) -> None:
    """What waits for a partition that is gone goes where its key belongs now."""

    async def check() -> None:
        topic = new_topic_name()
        await make_topics(kafka.bootstrap, topic, partitions=6)
        options = {"request.timeout.ms": "2000", "metadata.max.age.ms": "1000"}
        async with open_sink(kafka, topic, properties=options) as sink:
            await write(sink, numbered(1, 100))
            await delete_topic(kafka.bootstrap, topic)
            waiting = asyncio.ensure_future(await sink.send(numbered(101, 200), None))
            await until(lambda: sink.status.value == "failing", seconds=40)
            await make_topic(kafka.bootstrap, topic, partitions=2)
            await waiting
        sent = [(record.key, number(record.value)) for record in numbered(101, 200)]
        found = account(sent, await read_topic(kafka.bootstrap, topic), number)

        assert (found.lost, found.unknown, found.unequal, found.disordered) == ([], [], [], [])

    run(check(), seconds=60)
