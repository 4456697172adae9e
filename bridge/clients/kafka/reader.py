"""Reads a topic once, from its oldest record to the end that it had when reading began: for commands that end."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from bridge.clients.kafka.connection import close_client, true_connect_error
from bridge.clients.kafka.properties import Properties
from bridge.clients.kafka.topics import look_up_topics
from bridge.errors import ConfigError, CredentialsError, EndOfStream, SourceError
from bridge.model import Header

CONNECT_SECONDS = 30.0  # a bootstrap over TLS to a cluster that is busy; past it nobody answers
_STOP_SECONDS = 3.0
_POLL_MS = 200
# Without a record for so long, in a topic that is not at its end: an aborted or compacted rest gives none, and its
# position moves on by itself; what does not is a broker that is away.
_SILENCE_SECONDS = 30.0


@dataclass(slots=True)
class Message:
    """One record of a topic."""

    value: bytes
    headers: Sequence[Header]
    timestamp_ms: int
    where: str
    """`topic-partition@offset`."""


class TopicReader:
    """
    Committed records of every partition, each partition in its order. An async context manager; no consumer group, so
    nothing is remembered on the cluster.

    Args:
        servers: host:port of 1..n brokers.
        topic: must be there.
        properties: of the client; see `parse_properties`.
    """

    def __init__(self, servers: Sequence[str], topic: str, properties: Properties) -> None:
        self._servers = tuple(servers)
        self._topic = topic
        self._properties = properties
        self._consumer: Any = None
        self._ends: dict[Any, int] = {}
        self._stopped = False

    async def __aenter__(self) -> Self:
        """
        Connect, and note where the topic ends now.

        Raises:
            ConnectError, CredentialsError: it cannot be read, and why.
            ConfigError: there is no such topic.
        """
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=list(self._servers),
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            **self._properties.client,
        )
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._consumer.start()
                await self._find_ends()
        except (KafkaError, OSError) as error:  # TimeoutError is an OSError
            await self._close()
            raise await true_connect_error(self._servers, self._properties, error) from error
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections, within a few seconds."""
        await self._close()

    async def read(self) -> list[Message]:
        """
        The next 1..500 records.

        Raises:
            EndOfStream: all that was there at the beginning was read, or it was stopped.
            SourceError: the cluster no longer answers.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _SILENCE_SECONDS
        try:
            while not self._stopped and (
                left := [place for place, end in self._ends.items() if await self._consumer.position(place) < end]
            ):
                found = await self._consumer.getmany(*left, timeout_ms=_POLL_MS)
                messages = [message for place in found for message in self._messages(place, found[place])]
                if messages:
                    return messages
                if loop.time() > deadline:
                    raise SourceError(f"the Kafka topic {self._topic} gives no more records, and is not at its end")
        except KafkaError as error:
            raise SourceError(f"cannot read the Kafka topic {self._topic}: {type(error).__name__} {error}") from error
        raise EndOfStream

    def stop(self) -> None:
        """Read no more."""
        self._stopped = True

    async def _find_ends(self) -> None:
        client = self._consumer._client
        topics = await look_up_topics(client, [self._topic])
        if topics.denied:
            raise CredentialsError(f"our user may not read the Kafka topic {self._topic}")
        if topics.missing:
            raise ConfigError(f"there is no Kafka topic {self._topic}")
        places = [TopicPartition(self._topic, number) for number in range(topics.partitions[self._topic])]
        await client.set_topics([self._topic])
        self._consumer.assign(places)
        starts = await self._consumer.beginning_offsets(places)
        ends = await self._consumer.end_offsets(places)
        self._ends = {place: end for place, end in ends.items() if starts[place] < end}

    def _messages(self, place: Any, records: Sequence[Any]) -> list[Message]:
        return [
            Message(
                record.value or b"",
                record.headers,
                record.timestamp,
                f"{self._topic}-{place.partition}@{record.offset}",
            )
            for record in records
            if record.offset < self._ends[place]
        ]

    async def _close(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is None:
            return
        try:
            with contextlib.suppress(KafkaError, OSError):
                async with asyncio.timeout(_STOP_SECONDS):
                    await consumer.stop()
        finally:
            await close_client(consumer._client)
