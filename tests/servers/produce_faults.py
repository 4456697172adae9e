"""A network before a Kafka that understands what is produced: it answers so itself, with any error code."""

import asyncio
import contextlib
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiokafka.protocol import produce
from aiokafka.record.memory_records import MemoryRecords

_HEADER = struct.Struct(">hhi")  # api key, version, correlation id: the same in every request header of Kafka
_SIZE = struct.Struct(">i")
_PRODUCE = 0


@dataclass
class Fault:
    """
    What becomes of batches. The broker does not see one that is not `written`: that is how it answers an error.

    Args:
        code: what is answered; None: nothing, the connection is cut.
        times: of so many batches, one after the other; all that it fits.
        written: the broker has taken it; the answer is another.
        holds: only of batches with such a record; else of each.
        partition: only of this one.
    """

    topic: str
    code: int | None
    times: float = 1
    written: bool = False
    holds: bytes | None = None
    partition: int | None = None
    met: int = 0
    """Batches so far."""

    def fits(self, topic: str, partition: int, batch: bytes) -> bool:
        """Whether it is this one's turn."""
        if topic != self.topic or self.times <= self.met or self.partition not in (None, partition):
            return False
        return self.holds is None or self.holds in _values(batch)


class ProduceFaults:
    """
    Forwards TCP from a port to `target` of 127.0.0.1, and meddles with what `faults` fit; lives on one event loop, an
    async context manager. The first of them that fits counts.

    Args:
        ports: where it listens, and where the broker does: `KafkaServer.through`.
    """

    def __init__(self, ports: tuple[int, int]) -> None:
        self.port, self._target = ports
        self.faults: list[Fault] = []
        self.batches = 0
        """That were sent through it so far, each time they were."""
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """What clients connect to."""
        return f"127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        links = list(self._links)
        for link in links:
            link.cancel()
        await asyncio.gather(*links, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._links.add(task)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._serve(reader, writer)
        self._links.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            answers: asyncio.Queue[_Exchange] = asyncio.Queue()
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._ask(reader, back, answers))
                    both.create_task(_answer(there, writer, answers))
            except* (OSError, asyncio.IncompleteReadError):
                pass
            finally:
                back.transport.abort()
        finally:
            writer.transport.abort()

    async def _ask(
        self, reader: asyncio.StreamReader, back: asyncio.StreamWriter, answers: "asyncio.Queue[_Exchange]"
    ) -> None:
        while True:
            exchange = self._exchange(await _frame(reader))
            answers.put_nowait(exchange)  # Kafka answers the requests of a connection in their order
            if exchange.request is not None:
                back.write(_SIZE.pack(len(exchange.request)) + exchange.request)
                await back.drain()

    def _exchange(self, request: bytes) -> "_Exchange":
        key, version, _ = _HEADER.unpack_from(request)
        if key != _PRODUCE:
            return _Exchange(request)
        head, asked = _split(request, version)
        refused: dict[tuple[str, int], int] = {}
        told: dict[tuple[str, int], int] = {}
        cut = False
        for topic, partitions in asked.topics:
            for partition, batch in partitions:
                self.batches += 1
                fault = next((one for one in self.faults if one.fits(topic, partition, batch)), None)
                if fault is None:
                    continue
                fault.met += 1
                cut = cut or fault.code is None
                (told if fault.written else refused)[topic, partition] = fault.code or 0
        asked.topics = [
            (topic, left)
            for topic, partitions in asked.topics
            if (left := [one for one in partitions if (topic, one[0]) not in refused])
        ]
        forwarded = head + asked.encode() if asked.topics else None
        return _Exchange(forwarded, request[4:8], version, refused, told, cut=cut)


@dataclass
class _Exchange:
    """A request of the client's, and how it is answered."""

    request: bytes | None
    """What the broker gets of it; None: nothing."""
    correlation: bytes = b""
    version: int = -1
    """Of the produce request; -1: none, the broker's answer stays."""
    refused: Mapping[tuple[str, int], int] = field(default_factory=dict)
    """Codes for partitions that the broker was not asked about."""
    told: Mapping[tuple[str, int], int] = field(default_factory=dict)
    """Codes in the place of the broker's."""
    cut: bool = False

    def answer(self, frame: bytes | None) -> bytes:
        """What the client gets, from what the broker said, if it was asked."""
        if self.version < 0 or not (self.refused or self.told):
            return frame or b""
        kind = getattr(produce, f"ProduceResponse_v{self.version}")
        response = kind.decode(frame[4:]) if frame is not None else kind(topics=[], throttle_time_ms=0)
        refusals = [(topic, [_refusal(self.version, one, code)]) for (topic, one), code in self.refused.items()]
        response.topics = refusals + [
            (topic, [(one[0], self.told.get((topic, one[0]), one[1]), *one[2:]) for one in partitions])
            for topic, partitions in response.topics
        ]
        return self.correlation + bytes(response.encode())


async def _answer(
    there: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: "asyncio.Queue[_Exchange]"
) -> None:
    while True:
        exchange = await answers.get()
        frame = await _frame(there) if exchange.request is not None else None
        if exchange.cut:
            raise ConnectionResetError("cut")
        data = exchange.answer(frame)
        writer.write(_SIZE.pack(len(data)) + data)
        await writer.drain()


async def _frame(reader: asyncio.StreamReader) -> bytes:
    (size,) = _SIZE.unpack(await reader.readexactly(_SIZE.size))
    return await reader.readexactly(size)


def _split(request: bytes, version: int) -> tuple[bytes, Any]:
    """Header and body of a produce request."""
    at = _HEADER.size
    (size,) = struct.unpack_from(">h", request, at)  # the client's id, which may be null
    at += 2 + max(0, size)
    return request[:at], getattr(produce, f"ProduceRequest_v{version}").decode(request[at:])


def _refusal(version: int, partition: int, code: int) -> tuple[Any, ...]:
    """Of one partition: no offset, no time, and from version 5 on no first offset of the log."""
    return (partition, code, -1, -1, -1) if version >= 5 else (partition, code, -1, -1)


def _values(batch: bytes) -> Iterator[bytes]:
    records = MemoryRecords(batch)
    while records.has_next():
        for record in records.next_batch() or ():
            yield record.value or b""
