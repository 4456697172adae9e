"""
How far an exactly-once writer got: a record in the compacted topic `<topic>.positions`, written in the same transaction
as what it covers.

Key: the writer's transactional id. Value: a JSON object of

    version         1
    position        the source's, opaque, as text (bytes that are no UTF-8: `position_b64`); null: nothing was read yet
    writer          which run of a bridge wrote it: 32 hexadecimal digits
    transaction     of that run, counted from 0
    begun           how often bridges began to look at what lies behind the position and committed nothing; without it 0
    begun_at        where that was instead, as a text; without it: at the position
"""

import asyncio
import base64
import binascii
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from bridge.clients.kafka import Properties, close_client
from bridge.errors import SinkError
from bridge.model import Record
from bridge.sinks.kafka.look import CONNECT_SECONDS, explained
from bridge.sinks.kafka.partition import partition

SETTINGS = {
    "cleanup.policy": "compact",
    # Only closed segments are compacted. A position is 150 bytes and there are 20 a second at most, so the default of
    # 1 GiB would be reached in four days; what starts without a position of its own reads all of it.
    "segment.bytes": str(16 * 1024 * 1024),
}
"""Of the topic. It has one partition."""

_VERSION = 1
# The last record of one writer among several is rarely farther from the end than this; each step back is four times as
# long as the one before.
_STEP = 64
_POLL_MS = 200
# Kafka answers the requests of a connection one after the other: so long may one for records to come keep
# the next one waiting.
_WAIT_MS = 20


@dataclass(frozen=True, slots=True)
class Begun:
    """How often bridges began to look at what lies behind a place, and committed nothing."""

    times: int = 0
    place: str = ""
    """Empty: the position."""

    def plus(self, more: "Begun") -> "Begun":
        """With these, which may be taken back; a count is of one place, the last one."""
        times = max((self.times if self.place == more.place else 0) + more.times, 0)
        return Begun(times, more.place if times else "")


@dataclass(frozen=True, slots=True)
class Stored:
    """What was stored last."""

    position: bytes | None
    writer: str
    transaction: int
    begun: Begun = Begun()

    def record(self, topic: str, transactional_id: str, now_ms: int) -> Record:
        """It as a record for the topic of positions."""
        fields: dict[str, Any] = {"version": _VERSION, "writer": self.writer, "transaction": self.transaction}
        if self.begun.times:
            fields["begun"] = self.begun.times
        if self.begun.place:
            fields["begun_at"] = self.begun.place
        try:
            fields["position"] = None if self.position is None else self.position.decode()
        except UnicodeDecodeError:
            fields["position_b64"] = base64.b64encode(self.position or b"").decode()
        return Record(orjson.dumps(fields), topic, transactional_id.encode(), now_ms, events=0)


def parse(value: bytes | None) -> Stored | None:
    """
    A stored record's value; None of a tombstone.

    Raises:
        SinkError: it is of a later version, or no position at all.
    """
    if value is None:
        return None
    try:
        fields = orjson.loads(value)
        if fields["version"] != _VERSION:
            raise SinkError(f"the stored position is of version {fields['version']!r}, which this bridge does not know")
        text, coded = fields.get("position"), fields.get("position_b64")
        position: bytes | None = None if text is None else text.encode()
        if coded is not None:
            position = base64.b64decode(coded, validate=True)
        begun = Begun(int(fields.get("begun", 0)), str(fields.get("begun_at", "")))
        return Stored(position, str(fields["writer"]), int(fields["transaction"]), begun)
    except (orjson.JSONDecodeError, binascii.Error, KeyError, TypeError, ValueError, AttributeError) as error:
        raise SinkError("what is stored as our position is none; `--start` begins anew") from error


async def read_stored(
    servers: Sequence[str], properties: Properties, topic: str, partitions: int, transactional_id: str
) -> Stored | None:
    """Read once; arguments and errors: as of `PositionReader` and its `read`."""
    async with PositionReader(servers, properties, topic, partitions, transactional_id) as reader:
        return await reader.read()


class PositionReader:
    """
    Reads what a writer stored last, of committed transactions only, as often as it is asked: over one connection, made
    when it is first asked. An async context manager.

    Args:
        topic, partitions: of positions.
        transactional_id: the writer's.
    """

    def __init__(
        self, servers: Sequence[str], properties: Properties, topic: str, partitions: int, transactional_id: str
    ) -> None:
        self._servers = tuple(servers)
        self._properties = properties
        self._key = transactional_id.encode()
        self._place = TopicPartition(topic, partition(self._key, partitions))
        self._consumer: AIOKafkaConsumer | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def read(self) -> Stored | None:
        """
        What is stored now; None: nothing is.

        Raises:
            ConnectError, CredentialsError: the cluster cannot be reached, or not by us; says why.
            SinkError: what is stored is not understood.
        """
        found = await explained(self._last(), self._servers, self._properties)
        return parse(found.value) if found is not None else None

    async def close(self) -> None:
        """Within 3 s whatever its brokers do, also when it is cancelled. Safe twice."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            closing = asyncio.ensure_future(_close(consumer))
            try:
                await asyncio.shield(closing)
            except asyncio.CancelledError:
                await closing
                raise

    async def _last(self) -> Any:
        """The last record with the key, as aiokafka's ConsumerRecord; None: there is none."""
        place = self._place
        async with asyncio.timeout(CONNECT_SECONDS):
            consumer = self._consumer or await self._connect()
            begin = (await consumer.beginning_offsets([place]))[place]
            end = (await consumer.end_offsets([place]))[place]  # of committed ones: before any open transaction
        consumer.resume(place)
        step = _STEP
        found = None
        while end > begin and found is None:
            since = max(begin, end - step)
            found = await _last_between(consumer, place, self._key, since, end)
            end, step = since, step * 4
        consumer.pause(place)
        return found

    async def _connect(self) -> AIOKafkaConsumer:
        self._consumer = consumer = AIOKafkaConsumer(
            bootstrap_servers=list(self._servers),
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",  # not at the end, should compaction have taken the offset that we go to
            fetch_max_wait_ms=_WAIT_MS,
            **self._properties.client,
        )
        await consumer.start()
        await consumer._client.set_topics([self._place.topic])
        consumer.assign([self._place])
        return consumer


async def _last_between(consumer: AIOKafkaConsumer, place: TopicPartition, key: bytes, since: int, end: int) -> Any:
    """
    Raises:
        TimeoutError: nothing came for CONNECT_SECONDS.
    """
    consumer.seek(place, since)
    found = None
    reached = since
    while reached < end:
        async with asyncio.timeout(CONNECT_SECONDS):
            records: list[Any] = []
            while not records and reached < end:
                records = (await consumer.getmany(place, timeout_ms=_POLL_MS)).get(place, [])
                reached = await consumer.position(place)  # past what marks the ends of transactions too
        found = next((one for one in reversed(records) if one.offset < end and one.key == key), found)
    return found


async def _close(consumer: AIOKafkaConsumer) -> None:
    """Within 3 s whatever its brokers do."""
    consumer._closed = True  # its __del__ must not warn
    coordinator, fetcher = consumer._coordinator, consumer._fetcher
    with contextlib.suppress(Exception):
        async with asyncio.timeout(1.0):
            if coordinator is not None:
                await coordinator.close()
            if fetcher is not None:
                await fetcher.close()
    await close_client(consumer._client)
