"""A contender's topic, as the benchmark watches it fill and counts what is in it."""

import asyncio
import time
from types import TracebackType
from typing import Any, Self

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.bench.load import identity
from tests.topics import DEAD_LETTERS, delete_topic, make_topics, new_topic_name

PARTITIONS = 4


class Topic:
    """A new topic and that of its dead letters; an async context manager that deletes both at the end."""

    def __init__(self, bootstrap: str) -> None:
        self.name = new_topic_name()
        self._bootstrap = bootstrap
        self._partitions = [TopicPartition(self.name, number) for number in range(PARTITIONS)]
        self._consumer: Any = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            max_partition_fetch_bytes=8 * 1024 * 1024,
            isolation_level="read_committed",
        )

    async def __aenter__(self) -> Self:
        await make_topics(self._bootstrap, self.name, partitions=PARTITIONS)
        await self._consumer.start()
        self._consumer.assign(self._partitions)
        self._consumer.pause(*self._partitions)  # it must not fetch while others are measured
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._consumer.stop()
        for name in (self.name, self.name + DEAD_LETTERS):
            await delete_topic(self._bootstrap, name)

    async def count(self) -> int:
        """How many records Kafka has taken, of whatever kind; a transaction's marker is one in each partition."""
        return sum((await self._consumer.end_offsets(self._partitions)).values())

    async def settled(self, *, within: float = 10.0) -> None:
        """Wait until no more come for a second: a contender's last records stand behind the markers counted above."""
        deadline, before = time.monotonic() + within, -1
        while (now := await self.count()) != before and time.monotonic() < deadline:
            before = now
            await asyncio.sleep(1.0)

    async def identities(self, *, within: float = 120) -> list[str]:
        """
        Which event each record is of (`load.identity`), in any order.

        Raises:
            TimeoutError: they cannot be read in time.
        """
        ends = await self._consumer.end_offsets(self._partitions)
        found: list[str] = []
        self._consumer.resume(*self._partitions)
        deadline = time.monotonic() + within
        while any([await self._consumer.position(one) < end for one, end in ends.items()]):
            if time.monotonic() > deadline:
                raise TimeoutError(f"only {len(found)} of {sum(ends.values())} records and markers could be read")
            for records in (await self._consumer.getmany(timeout_ms=100)).values():
                found += [identity(orjson.loads(record.value)) for record in records]
        return found
