"""
A Kafka for the sink's lanes that fails on demand: what a broker does with sequence numbers, without a broker.

Batches are aiokafka's own, and are read back with its reader. What it does was seen on Kafka 4.3: a batch that does not
follow the last one of its producer in the partition is out of sequence, and one with the numbers of the last passes
for it, whatever is in it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from aiokafka.errors import LeaderNotAvailableError, OutOfOrderSequenceNumber, ProducerFenced, UnknownError
from aiokafka.record.memory_records import MemoryRecords

from bridge.sinks.kafka.batch import Batch

Place = tuple[str, int]
Refuse = Callable[[str, bytes], type[Exception] | None]


class Written(NamedTuple):
    """A record in a partition."""

    key: bytes | None
    value: bytes
    timestamp: int


class ScriptedKafka:
    """
    Args:
        partitions: topic -> how many.
        refuse: (topic, value) -> the error that a batch with such a record gets for ever.
        faults: what happens to each batch, and each commit, in turn, "" when there are no more: "lost" writes it and
            loses the confirmation, "failed" loses it, each with an error that makes a producer useless; "doubtful"
            writes it, and says that it may be its records' fault that it did not; "" is none.
    """

    def __init__(self, partitions: dict[str, int], refuse: Refuse | None = None, faults: Iterable[str] = ()) -> None:
        self.partitions = partitions
        self.logs: dict[Place, list[Written]] = defaultdict(list)
        self.producers = 0
        self.commits = 0
        self.moved = False
        """The cluster answers, elsewhere."""
        self.batches: list[int] = []
        """Records in each batch that was tried."""
        self.held = asyncio.Event()
        """Cleared: no batch is answered."""
        self.held.set()
        self.commits_held = asyncio.Event()
        """Cleared: no commit is answered."""
        self.commits_held.set()
        self.refuse = refuse
        self._faults = iter(faults)

    def values(self, topic: str) -> list[bytes]:
        """What is in a topic, by partition and then offset."""
        places = sorted(place for place in self.logs if place[0] == topic)
        return [written.value for place in places for written in self.logs[place]]

    def producer(self, batch_bytes: int = 16_384, *, transactional: bool = False) -> "ScriptedProducer":
        """A new one, whose sequences begin anew; a transactional one fences those before it."""
        self.producers += 1
        return ScriptedProducer(self, batch_bytes, transactional=transactional)

    def fault(self) -> str:
        """Of the next batch."""
        return next(self._faults, "")

    def refusal(self, topic: str, records: Iterable[Written]) -> type[Exception] | None:
        """Of a batch."""
        refuse = self.refuse
        if refuse is None:
            return None
        return next((error for record in records if (error := refuse(topic, record.value))), None)


class ScriptedProducer:
    """What `bridge.sinks.kafka.producer.Producer` offers to lanes."""

    def __init__(self, kafka: ScriptedKafka, batch_bytes: int, *, transactional: bool) -> None:
        self._kafka = kafka
        self._batch_bytes = batch_bytes
        self._numbers: dict[Place, int] = defaultdict(int)
        """Records that were written, by the producer's count."""
        self._broker_has: dict[Place, tuple[int, int]] = defaultdict(lambda: (0, 0))
        """By the broker's: the numbers from which and to before which its last batch reaches."""
        self._epoch = kafka.producers
        self._transactional = transactional
        self._open: list[tuple[Place, list[Written]]] = []

    def batch(self) -> Batch:
        return Batch(self._batch_bytes, transactional=self._transactional)

    def partitions(self, topic: str) -> int | None:
        return self._kafka.partitions.get(topic)

    async def moved(self) -> bool:
        return self._kafka.moved

    def tasks(self) -> set[asyncio.Task[Any]]:
        return set()

    async def begin(self) -> None:
        self._open = []

    async def commit(self) -> None:
        await self._kafka.commits_held.wait()
        await asyncio.sleep(0)
        self._check_epoch()
        fault = self._kafka.fault()
        if fault != "failed":
            for place, records in self._open:
                self._kafka.logs[place] += records
            self._kafka.commits += 1
        if fault:
            raise LeaderNotAvailableError

    def _check_epoch(self) -> None:
        if self._transactional and self._epoch != self._kafka.producers:
            raise ProducerFenced

    async def send(self, batch: Batch, topic: str, partition: int) -> None:
        place = topic, partition
        assert partition < self._kafka.partitions[topic], "Unrecognized partition"
        records = [
            Written(record.key, record.value, record.timestamp)
            for one in _batches(bytes(batch._build()))
            for record in one
        ]
        self._kafka.batches.append(len(records))
        await self._kafka.held.wait()
        await asyncio.sleep(0)
        self._check_epoch()
        fault = self._kafka.fault()
        error = self._kafka.refusal(topic, records)
        if fault == "failed" or error is not None:
            raise (error or LeaderNotAvailableError)
        first = self._numbers[place]
        numbers = first, first + len(records)
        if numbers != self._broker_has[place]:
            if first != self._broker_has[place][1]:
                raise OutOfOrderSequenceNumber
            self._broker_has[place] = numbers
            if self._transactional:
                self._open.append((place, records))
            else:
                self._kafka.logs[place] += records
        if fault:
            raise (UnknownError if fault == "doubtful" else LeaderNotAvailableError)
        self._numbers[place] = numbers[1]


def _batches(data: bytes) -> Iterable[Any]:
    reader = MemoryRecords(data)
    while reader.has_next():
        yield reader.next_batch()
