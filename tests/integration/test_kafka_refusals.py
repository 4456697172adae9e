"""What Kafka refuses for ever: found, dead-lettered, and paid for by nobody else."""

import asyncio
from dataclasses import replace

import pytest

from bridge.model import Record
from bridge.sinks.kafka import keeper
from bridge.telemetry import Status
from tests.integration.sending import Servers, number, numbered, open_sink, write
from tests.running import run, until
from tests.servers.kafka import KafkaServer
from tests.topics import DEAD_LETTERS, account, make_topic, make_topics, new_topic_name, read_topic

pytestmark = pytest.mark.servers("kafka")


def test_records_too_large_for_ever_become_dead_letters_in_the_same_send(kafka: KafkaServer) -> None:
    """The one that cannot fit is in the dead letters when its send is confirmed; its neighbours are in the topic."""

    async def check() -> None:
        topic = new_topic_name()
        await make_topics(kafka.bootstrap, topic, settings={"max.message.bytes": "20000"})
        large = Record(b"2 " + b"y" * 30_000, key=b"key-2", timestamp_ms=1)
        async with open_sink(kafka, topic) as sink:
            await (await sink.send([*numbered(1, 1), large, *numbered(3, 4)], None))
            found = {number(record.value) for record in await read_topic(kafka.bootstrap, topic)}
            (letter,) = await read_topic(kafka.bootstrap, topic + DEAD_LETTERS)
        headers = dict(letter.headers)

        assert found == {1, 3, 4}
        assert (letter.key, letter.value[:4]) == (b"key-2", b"2 yy")
        assert b"larger than 20000 bytes" in headers["celery.errors.message"]
        assert headers["celery.errors.body_bytes"] == b"30002"
        assert len(letter.value) < 20_000  # the dead letters' topic takes no more either

    run(check(), seconds=60)


def test_limit_that_shrinks_while_we_run_costs_only_what_is_too_large(kafka_servers: Servers) -> None:
    """The broker refuses whole batches then: the culprits are found, the others arrive, in order per key."""

    async def check() -> None:
        server = kafka_servers()
        topic = new_topic_name()
        await make_topics(server.bootstrap, topic, partitions=2)
        async with open_sink(server, topic, properties={"compression.type": "none"}) as sink:
            await write(sink, numbered(1, 200))
            await _set(server, topic, "max.message.bytes", "5000")
            large = [replace(record, value=record.value + b"z" * 8000) for record in numbered(301, 303)]
            records = [*numbered(201, 300), large[0], *numbered(304, 400), large[1], *numbered(401, 450), large[2]]
            await (await sink.send(records, None))
            await write(sink, numbered(451, 500))
        small = [record for record in [*numbered(1, 200), *records, *numbered(451, 500)] if len(record.value) < 8000]
        found = account(
            [(record.key, number(record.value)) for record in small], await read_topic(server.bootstrap, topic), number
        )
        letters = {number(record.value) for record in await read_topic(server.bootstrap, topic + DEAD_LETTERS)}

        assert (found.lost, found.unknown, found.unequal, found.disordered) == ([], [], [], [])
        assert letters == {301, 302, 303}

    run(check(), seconds=110)


async def _set(server: KafkaServer, topic: str, name: str, value: str) -> None:
    """Change a topic's setting; done when the broker goes by it."""
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

    resource = ConfigResource(ConfigResourceType.TOPIC, topic, {name: value})
    admin = AIOKafkaAdminClient(bootstrap_servers=server.bootstrap)
    await admin.start()
    try:
        await admin.alter_configs([resource])
        async with asyncio.timeout(40):
            while True:
                wanted = ConfigResource(ConfigResourceType.TOPIC, topic, {name: ""})
                (response,) = await admin.describe_configs([wanted])
                if response.resources[0][4][0][1] == value:
                    break
                await asyncio.sleep(0.02)
    finally:
        await admin.close()


def test_one_refused_time_does_not_cost_its_neighbours(kafka: KafkaServer) -> None:
    """A topic that takes no old times refuses the whole batch; only the old record becomes a dead letter."""

    async def check() -> None:
        topic = new_topic_name()
        await make_topics(kafka.bootstrap, topic, partitions=2, settings={"message.timestamp.before.max.ms": "3600000"})
        records = numbered(1, 100)
        records[40] = replace(records[40], timestamp_ms=1_000_000_000_000)
        records[77] = replace(records[77], timestamp_ms=1_000_000_000_000)
        async with open_sink(kafka, topic) as sink:
            await write(sink, numbered(101, 200))  # so that the producer is known, and its sequence can break
            await (await sink.send(records, None))
            await write(sink, numbered(201, 300))
        good = [
            *numbered(101, 200),
            *(record for record in records if record.timestamp_ms > 10**12),
            *numbered(201, 300),
        ]
        found = account(
            [(record.key, number(record.value)) for record in good], await read_topic(kafka.bootstrap, topic), number
        )
        letters = await read_topic(kafka.bootstrap, topic + DEAD_LETTERS)

        assert (found.lost, found.unknown, found.unequal, found.disordered) == ([], [], [], [])
        assert sorted(number(letter.value) for letter in letters) == [41, 78]
        assert all(b"InvalidTimestamp" in dict(letter.headers)["celery.errors.message"] for letter in letters)

    run(check(), seconds=110)


def test_everything_refused_is_dead_lettered_everything(kafka: KafkaServer) -> None:
    """A replay of last year into a topic that takes no old times: all dead letters, in order, none lost."""

    async def check() -> None:
        topic = new_topic_name()
        await make_topic(kafka.bootstrap, topic, partitions=2, settings={"message.timestamp.before.max.ms": "3600000"})
        await make_topic(kafka.bootstrap, topic + DEAD_LETTERS)
        async with open_sink(kafka, topic) as sink:
            await write(sink, numbered(1, 60, timestamp_ms=1_000_000_000_000))
        assert await read_topic(kafka.bootstrap, topic) == []
        sent = [(record.key, number(record.value)) for record in numbered(1, 60)]
        found = account(sent, await read_topic(kafka.bootstrap, topic + DEAD_LETTERS), number)

        assert (found.lost, found.repeated, found.disordered) == ([], {}, [])

    run(check(), seconds=110)


def test_refusal_without_a_name_is_tried_again_and_then_taken_for_the_records_fault(kafka: KafkaServer) -> None:
    """A compacted topic refuses a record without a key, with a code that aiokafka does not know."""

    async def check() -> None:
        topic = new_topic_name()
        await make_topic(kafka.bootstrap, topic, settings={"cleanup.policy": "compact"})
        await make_topic(kafka.bootstrap, topic + DEAD_LETTERS)
        async with open_sink(kafka, topic) as sink:
            records = numbered(1, 9)
            records[4] = replace(records[4], key=None)
            await (await sink.send(records, None))
        found = [number(record.value) for record in await read_topic(kafka.bootstrap, topic)]
        letters = [number(record.value) for record in await read_topic(kafka.bootstrap, topic + DEAD_LETTERS)]

        assert found == [1, 2, 3, 4, 6, 7, 8, 9]
        assert letters == [5]

    run(check(), seconds=110)


@pytest.mark.parametrize("transactional_id", [None, "celery-bridge.refused"])
def test_topic_that_takes_nothing_is_waited_for(
    kafka: KafkaServer, monkeypatch: pytest.MonkeyPatch, transactional_id: str | None
) -> None:
    """A compacted topic and records without keys: two are dead letters, the rest waits until somebody changes it."""
    monkeypatch.setattr(keeper, "BLOCKED_SECONDS", 0.5)

    async def check() -> None:
        topic = new_topic_name()
        await make_topic(kafka.bootstrap, topic, settings={"cleanup.policy": "compact"})
        await make_topic(kafka.bootstrap, topic + DEAD_LETTERS)
        records = [replace(record, key=None) for record in numbered(1, 10)]
        async with open_sink(kafka, topic, transactional_id=transactional_id) as sink:
            await sink.resume()
            waiting = asyncio.ensure_future(await sink.send(records, b"10"))
            blocked = "takes no records: refused with UnknownError"
            await until(lambda: blocked in str(sink._outage._reasons), seconds=60)
            assert sink.status is Status.FAILING
            assert not waiting.done()
            await _set(kafka, topic, "cleanup.policy", "delete")
            await waiting
        found = [number(record.value) for record in await read_topic(kafka.bootstrap, topic)]
        letters = [number(record.value) for record in await read_topic(kafka.bootstrap, topic + DEAD_LETTERS)]

        assert found == list(range(3, 11))
        assert letters == [1, 2]

    run(check(), seconds=110)


def test_dead_letter_that_is_refused_itself_is_waited_for(kafka: KafkaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may be dropped: when even the dead letter has no place, somebody has to make one."""
    monkeypatch.setattr(keeper, "BLOCKED_SECONDS", 0.5)

    async def check() -> None:
        topic = new_topic_name()
        await make_topic(kafka.bootstrap, topic)
        await make_topic(kafka.bootstrap, topic + DEAD_LETTERS, settings={"cleanup.policy": "compact"})
        async with open_sink(kafka, topic) as sink:
            letter = Record(b"letter", topic=topic + DEAD_LETTERS, key=None, timestamp_ms=1)
            waiting = asyncio.ensure_future(await sink.send([letter], None))
            blocked = "does not take a dead letter"
            await until(lambda: blocked in str(sink._outage._reasons), seconds=60)
            assert sink.status is Status.FAILING
            await _set(kafka, topic + DEAD_LETTERS, "cleanup.policy", "delete")
            await waiting
        assert [one.value for one in await read_topic(kafka.bootstrap, topic + DEAD_LETTERS)] == [b"letter"]

    run(check(), seconds=110)
