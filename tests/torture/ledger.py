"""The account of a run: what the broker accepted, by a process apart, and every record that Kafka has."""

import asyncio
import hashlib
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.ledger import numbered
from tests.records import assert_record
from tests.servers.process import ServerProcess

_SENT = tuple(json.loads(numbered(0)))
"""The names of a numbered event's fields, in the order they are sent in."""
_POLL_SECONDS = 0.05
_VALIDATED = 100
"""One record in so many is held against record.json."""


class Publishing:
    """
    The publisher's process, and what it wrote down so far; a context manager, entered on the main thread.

    Args:
        url: of the broker.
        folder: for its book and its log.
        events: how many are to be accepted, unless it is told to `end` before.
        rate: at most so many a second.
        first: the number of the first one, a multiple of what is published at once.
    """

    def __init__(self, url: str, folder: Path, events: int, rate: int, first: int = 0) -> None:
        self._book = folder / f"published-{first}.txt"
        self._book.touch()
        self._offset = 0
        self.events = events
        numbers = [str(number) for number in (events, rate, first)]
        command = [sys.executable, "-m", "tests.torture.publisher", url, str(self._book), *numbers]
        checkout = Path(__file__).parents[2]
        self._process = ServerProcess(command, log=folder / f"publisher-{first}.log", cwd=checkout)
        self.accepted: dict[int, str] = {}
        """Number -> sha256 of the body, of what the broker confirmed."""
        self.unsure: set[int] = set()
        """Sent, and not confirmed: it may have arrived."""

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()

    def look(self) -> int:
        """How many are accepted by now."""
        with self._book.open("rb") as book:
            book.seek(self._offset)
            whole = book.read().rpartition(b"\n")[0] + b"\n"
        if len(whole) > 1:
            self._offset += len(whole)
            for line in whole.decode().splitlines():
                mark, number, *told = line.split()
                if mark == "+":
                    self.accepted[int(number)] = told[0]
                else:
                    self.unsure.add(int(number))
        return len(self.accepted)

    def end(self) -> None:
        """Publish no more: what is accepted by now is all."""
        self._process.stop()
        self.events = self.look()

    def wait(self, within: float, meanwhile: Callable[[], object] = lambda: None) -> None:
        """
        Until all are accepted.

        Raises:
            AssertionError: they are not in time, or the publisher ended.
        """
        deadline = time.monotonic() + within
        while (running := self._process.running) | (self.look() < self.events):
            meanwhile()
            assert running or self.look() >= self.events, self._process.log.read_text()
            assert time.monotonic() < deadline, f"only {len(self.accepted)} were accepted within {within:.0f} s"
            time.sleep(_POLL_SECONDS)


@dataclass(slots=True)
class Seen:
    """What a topic holds of numbered events; grows by `Reader.look`."""

    ids: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Number -> event_id, sha256 of what its sender had sent."""
    repeats: Counter[int] = field(default_factory=Counter)
    """Number -> records besides the first one."""
    unequal: set[int] = field(default_factory=set)
    """Repeated with another id or other fields of the sender."""
    inverted: list[int] = field(default_factory=list)
    """First seen behind a later event of the same task."""
    gaps: list[dict[str, Any]] = field(default_factory=list)
    records: int = 0
    latest: int = -1
    """The highest number."""
    _latest: dict[str, int] = field(default_factory=dict)

    def take(self, value: bytes) -> None:
        """
        Account for one record; those of one task come in the topic's order.

        Raises:
            AssertionError: it breaks record.json.
        """
        self.records += 1
        record = orjson.loads(value) if self.records % _VALIDATED else assert_record(value)
        if record["type"] == "bridge-gap":
            self.gaps.append(record)
            return
        number, uuid = record["clock"], record["uuid"]
        body = json.dumps({name: record.get(name) for name in _SENT}).encode()
        identity = record["event_id"], hashlib.sha256(body).hexdigest()
        if number in self.ids:
            self.repeats[number] += 1
            if self.ids[number] != identity:
                self.unequal.add(number)
            return
        self.ids[number] = identity
        self.latest = max(self.latest, number)
        if number < self._latest.get(uuid, -1):
            self.inverted.append(number)
        self._latest[uuid] = max(number, self._latest.get(uuid, -1))

    def faults(self, publishing: Publishing) -> dict[str, list[int]]:
        """What must never be, by its name; empty in a faultless run. Repeats are the caller's to judge."""
        accepted, ids = publishing.accepted, self.ids
        owners = Counter(event_id for event_id, _ in ids.values())
        found = {
            "lost": accepted.keys() - ids.keys(),
            "strangers": ids.keys() - accepted.keys() - publishing.unsure,
            "altered": {number for number, told in accepted.items() if number in ids and ids[number][1] != told},
            "unequal repeats": self.unequal,
            "shared ids": {number for number, (event_id, _) in ids.items() if owners[event_id] > 1},
            "inverted": self.inverted,
        }
        return {name: sorted(numbers) for name, numbers in found.items() if numbers}


class Reader:
    """
    Reads a topic as committed readers do, each record once, from one `look` to the next.

    Args:
        bootstrap, topic: where.
    """

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._places: dict[int, int] = {}
        self.seen = Seen()

    def look(self) -> int:
        """Read what is new; returns how many different events were seen in all."""
        asyncio.run(self._look())
        return len(self.seen.ids)

    def wait(self, events: int, within: float, meanwhile: Callable[[], object] = lambda: None) -> float:
        """
        Until so many different events were seen; returns the seconds it took.

        Raises:
            AssertionError: they are not there in time.
        """
        started = time.monotonic()
        while (found := self.look()) < events:
            meanwhile()
            assert time.monotonic() < started + within, f"{found} of {events} events in the topic after {within:.0f} s"
            time.sleep(_POLL_SECONDS)
        return time.monotonic() - started

    async def _look(self) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )
        await consumer.start()
        try:
            await consumer._client.set_topics([self._topic])  # partitions_for_topic of an unsubscribed topic stays None
            partitions = [TopicPartition(self._topic, number) for number in consumer.partitions_for_topic(self._topic)]
            consumer.assign(partitions)
            for partition in partitions:
                consumer.seek(partition, self._places.get(partition.partition, 0))
            ends = await consumer.end_offsets(partitions)
            while [one for one in partitions if await consumer.position(one) < ends[one]]:
                for records in (await consumer.getmany(timeout_ms=20)).values():
                    for record in records:
                        self.seen.take(record.value)
            for partition in partitions:
                self._places[partition.partition] = await consumer.position(partition)
        finally:
            await consumer.stop()
