"""The stored position of an exactly-once writer, for who is no part of its chain: looked at, and forgotten."""

import time
from collections.abc import Mapping, Sequence
from uuid import uuid4

from bridge.clients.kafka import POSITIONS_SUFFIX, parse_properties, quiet_library_logs
from bridge.sinks.kafka.look import explained, find
from bridge.sinks.kafka.partition import partition
from bridge.sinks.kafka.positions import Stored, read_stored
from bridge.sinks.kafka.producer import start

_BATCH_BYTES = 16 * 1024  # one record of 150 bytes


async def stored_position(
    servers: Sequence[str], topic: str, transactional_id: str, properties: Mapping[str, str]
) -> bytes | None:
    """
    The source's position that a writer stored last; None: there is none.

    Args:
        topic: of the records.
        properties: as of `KafkaSink`.

    Raises:
        ConfigError: the properties are wrong.
        ConnectError, CredentialsError: the cluster cannot be reached, or not by us; says why.
        SinkError: what is stored is not understood.
    """
    quiet_library_logs()
    parsed, positions = parse_properties(properties), topic + POSITIONS_SUFFIX
    topics = await find(servers, parsed, [positions])
    if positions in topics.missing:
        return None
    stored = await read_stored(servers, parsed, positions, topics.partitions[positions], transactional_id)
    return stored.position if stored is not None else None


async def forget_position(
    servers: Sequence[str], topic: str, transactional_id: str, properties: Mapping[str, str]
) -> None:
    """
    Store that nothing was read yet, as a writer of its own: who writes with this id is fenced, finds another writer in
    its place, and ends. (After a tombstone it would take its place again, as if somebody had deleted the topic.)
    Nothing where there is no topic of positions. Arguments and errors: as of `stored_position`.
    """
    quiet_library_logs()
    parsed, positions = parse_properties(properties), topic + POSITIONS_SUFFIX
    topics = await find(servers, parsed, [positions])
    if positions in topics.missing:
        return
    record = Stored(None, uuid4().hex, 0).record(positions, transactional_id, int(time.time() * 1000))
    producer = await start(servers, parsed, topics, batch_bytes=_BATCH_BYTES, transactional_id=transactional_id)
    try:
        await producer.begin()
        batch = producer.batch()
        batch.extend([record], 0, 1, record.timestamp_ms)
        place = partition(transactional_id.encode(), topics.partitions[positions])
        await explained(producer.send(batch, positions, place), servers, parsed)
        await explained(producer.commit(), servers, parsed)
    finally:
        await producer.give_up()
