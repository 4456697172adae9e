"""What a test asks of a real Kafka: topics of its own, and an account of every record that is in them."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

DEAD_LETTERS = ".dlq"
_READ_SECONDS = 60.0


def new_topic_name() -> str:
    """A name that no other test has."""
    return f"celery.events-{uuid4().hex[:12]}"


async def make_topics(
    bootstrap: str, topic: str, *, partitions: int = 6, settings: Mapping[str, str] | None = None
) -> None:
    """Create a topic and that of its dead letters (one partition), with these topic settings for both."""
    for name, count in ((topic, partitions), (topic + DEAD_LETTERS, 1)):
        await make_topic(bootstrap, name, partitions=count, settings=settings)


async def make_topic(
    bootstrap: str, topic: str, *, partitions: int = 1, settings: Mapping[str, str] | None = None
) -> None:
    """
    Create one topic; done when it can be written.

    Raises:
        AssertionError: Kafka refused.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        new = NewTopic(topic, num_partitions=partitions, replication_factor=1, topic_configs=dict(settings or {}))
        response: Any = await admin.create_topics([new])
        assert [error[1] for error in response.topic_errors] == [0], response
        async with asyncio.timeout(10):
            while not await _has_leaders(admin, topic, partitions):  # noqa: ASYNC110 - a server sets no asyncio.Event
                await asyncio.sleep(0.02)
    finally:
        await admin.close()


async def delete_topic(bootstrap: str, topic: str) -> None:
    """Delete one topic; done when Kafka no longer names it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([topic])
        async with asyncio.timeout(10):
            while topic in await admin.list_topics():  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    finally:
        await admin.close()


async def read_topic(bootstrap: str, topic: str) -> list[Any]:
    """
    Every record that is in the topic now, as aiokafka's ConsumerRecord, by partition and then offset.

    Reads committed records only, to the end as of the call. Waits until every partition has a leader: a broker that
    was frozen for longer than its session is one without topics for a moment, once it goes on.
    """
    await _all_led(bootstrap, topic)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=8 * 1024 * 1024,
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in await _partitions(consumer, topic)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        found: dict[Any, list[Any]] = defaultdict(list)
        async with asyncio.timeout(_READ_SECONDS):
            while [one for one in partitions if await consumer.position(one) < ends[one]]:
                for partition, records in (await consumer.getmany(timeout_ms=20)).items():
                    found[partition] += records
        return [record for one in partitions for record in found[one]]
    finally:
        await consumer.stop()


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> list[int]:
    """Of an unsubscribed topic aiokafka knows none; and set_topics may wait for a request that began without it."""
    await consumer._client.set_topics([topic])
    async with asyncio.timeout(_READ_SECONDS):
        while not (known := consumer.partitions_for_topic(topic)):
            await consumer._client.force_metadata_update()
    return sorted(known)


@dataclass(frozen=True, slots=True)
class Account:
    """What became of numbered records."""

    lost: list[Hashable]
    """Sent, and not in the topic."""
    unknown: list[Hashable]
    """In the topic, and not sent."""
    repeated: dict[Hashable, int]
    """More than once in the topic: how often."""
    unequal: list[Hashable]
    """Repeated with other bytes, or with another key."""
    disordered: list[bytes | None]
    """Keys whose records come first in another order than they were sent in."""


def account(
    sent: Sequence[tuple[bytes | None, Hashable]], records: Sequence[Any], identity: Callable[[bytes], Hashable]
) -> Account:
    """
    Compare what was sent with what `read_topic` found.

    Args:
        sent: key and identity of every record, in the order of sending; identities are distinct.
        records: of one topic.
        identity: of a record's value, e.g. its event_id or its number.
    """
    counts: Counter[Hashable] = Counter()
    bodies: dict[Hashable, set[tuple[bytes | None, bytes]]] = defaultdict(set)
    arrived: dict[bytes | None, dict[Hashable, None]] = defaultdict(dict)
    for record in records:
        name = identity(record.value)
        counts[name] += 1
        bodies[name].add((record.key, record.value))
        arrived[record.key].setdefault(name)
    expected: dict[bytes | None, list[Hashable]] = defaultdict(list)
    for key, name in sent:
        expected[key].append(name)
    names = {name for _, name in sent}
    return Account(
        lost=[name for _, name in sent if name not in counts],
        unknown=[name for name in counts if name not in names],
        repeated={name: count for name, count in counts.items() if count > 1},
        unequal=[name for name, different in bodies.items() if len(different) > 1],
        disordered=[
            key
            for key, order in expected.items()
            if key is not None and [name for name in arrived[key] if name in names] != [n for n in order if n in counts]
        ],
    )


async def _all_led(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        async with asyncio.timeout(_READ_SECONDS):
            while not await _has_leaders(admin, topic):  # noqa: ASYNC110 - a server sets no asyncio.Event
                await asyncio.sleep(0.02)
    finally:
        await admin.close()


async def _has_leaders(admin: AIOKafkaAdminClient, topic: str, partitions: int | None = None) -> bool:
    """Whether all partitions have one; `partitions`: and there are so many."""
    (found,) = await admin.describe_topics([topic])
    led = [one["leader"] >= 0 and not one["error_code"] for one in found["partitions"]]
    return all(led) and len(led) == partitions if partitions is not None else bool(led) and all(led)
