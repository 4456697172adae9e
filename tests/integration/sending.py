"""Steps of the tests that write to a real Kafka."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from bridge.errors import RecordError
from bridge.model import Record
from bridge.sinks.kafka import KafkaSink
from tests.running import until
from tests.servers.kafka import KafkaServer

Servers = Callable[..., KafkaServer]


def dead_letter(record: Record, cause: RecordError) -> Record:
    """The record itself, with the cause."""
    return replace(record, headers=[("celery.errors.message", str(cause).encode())])


def open_sink(server: KafkaServer, topic: str, **options: object) -> KafkaSink:
    """A sink of the broker, not entered."""
    return KafkaSink([server.bootstrap], topic, dead_letter=dead_letter, **options)  # type: ignore[arg-type]


def numbered(
    first: int, last: int, *, keys: int = 7, padding: int = 300, timestamp_ms: int | None = None
) -> list[Record]:
    """Records whose value begins with their number, distributed over some keys."""
    now = int(time.time() * 1000) if timestamp_ms is None else timestamp_ms
    return [
        Record(b"%d %s" % (n, b"x" * padding), key=b"key-%d" % (n % keys), timestamp_ms=now)
        for n in range(first, last + 1)
    ]


def number(value: bytes) -> int:
    """The number of a record's value."""
    return int(value.split(b" ", 1)[0])


async def write(sink: KafkaSink, records: Sequence[Record], *, each: int = 50) -> None:
    """Send in pieces, and wait until all is confirmed."""
    confirmations = [
        asyncio.ensure_future(await sink.send(records[start : start + each], None))
        for start in range(0, len(records), each)
    ]
    await asyncio.gather(*confirmations)


async def up_again(server: KafkaServer) -> None:
    """Start it while the loop turns."""
    server.start(wait=False)
    await until(server.answers, seconds=60, every=0.05)
