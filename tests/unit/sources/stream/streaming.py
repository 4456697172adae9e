"""Messages, chunks and frames of a stream, as a server would send them, and a server made of a script."""

import asyncio
import gzip
import struct
import zlib
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from bridge.sources.stream import commands
from bridge.sources.stream.commands import ANSWER, Key


def _sized(data: bytes, code: int) -> bytes:
    """A binary, string or symbol by the code of its short form."""
    if len(data) < 256:
        return bytes([code, len(data)]) + data
    return bytes([code + 0x10]) + struct.pack(">I", len(data)) + data


def _compound(items: Sequence[bytes], code: int) -> bytes:
    content = b"".join(items)
    if len(content) > 200:
        return bytes([code + 0x10]) + struct.pack(">II", len(content) + 4, len(items)) + content
    return bytes([code, len(content) + 1, len(items)]) + content


def _section(code: int, value: bytes) -> bytes:
    return b"\0S" + bytes([code]) + value


def _table(values: Mapping[str, str], key_code: int) -> bytes:
    pairs = [(_sized(name.encode(), key_code), _sized(text.encode(), 0xA1)) for name, text in values.items()]
    return _compound([part for pair in pairs for part in pair], 0xC1)


def message(
    body: bytes,
    *,
    content_type: str = "application/json",
    encoding: str = "utf-8",
    headers: Mapping[str, str] | None = None,
    routing_key: str = "task.multi",
) -> bytes:
    """As RabbitMQ writes what came in over AMQP 0-9-1."""
    properties = [b"@"] * 6 + [_sized(content_type.encode(), 0xA3), _sized(encoding.encode(), 0xA3)] + [b"@"] * 5
    return (
        _section(0x72, _table({"x-exchange": "celeryev", "x-routing-key": routing_key}, 0xA3))
        + _section(0x73, _compound(properties, 0xC0))
        + _section(0x74, _table(headers or {"hostname": "w1"}, 0xA1))
        + _section(0x75, _sized(body, 0xA0))
    )


def simple(data: bytes) -> bytes:
    """An entry that is one message."""
    return struct.pack(">I", len(data)) + data


def batch(messages: Sequence[bytes], compression: int = 0) -> bytes:
    """An entry of several messages; only gzip (1) is really done."""
    data = b"".join(map(simple, messages))
    packed = gzip.compress(data) if compression == 1 else data
    return struct.pack(">BHII", 0x80 | compression << 4, len(messages), len(data), len(packed)) + packed


def chunk(
    first: int, entries: Sequence[bytes], *, messages: int | None = None, spoilt: bool = False, written_ms: int = 0
) -> bytes:
    """A chunk whose first message has the offset `first`."""
    data = b"".join(entries)
    checksum = zlib.crc32(data) ^ (1 if spoilt else 0)
    count = len(entries) if messages is None else messages
    sizes = (len(data), 0, 0)
    return struct.pack(">BBHIqQQIIII", 0x50, 0, len(entries), count, written_ms, 1, first, checksum, *sizes) + data


def numbered(first: int, upto: int, written_ms: int = 0) -> bytes:
    """A chunk of the messages with offsets from `first` to before `upto`; each body is its offset."""
    entries = [simple(message(b"%d" % offset)) for offset in range(first, upto)]
    return chunk(first, entries, written_ms=written_ms)


def behind(offset: int, written_ms: int = 0) -> bytes:
    """The position behind the message before this offset, in a chunk that was written then."""
    return offset.to_bytes(8, "big") + written_ms.to_bytes(8, "big")


def deliver(payload: bytes, subscription: int = 1) -> bytes:
    """The frame that brings a chunk."""
    return commands.frame(Key.DELIVER, bytes([subscription]) + payload)


class Peer:
    """
    A server of the stream protocol on a port of its own, which lets everybody in; an async context manager.

    Args:
        answers: see the attribute.
    """

    def __init__(self, answers: Mapping[int, bytes] | None = None) -> None:
        self.answers = dict(answers or {})
        """By key: code and fields of an answer other than the usual one; empty: none at all."""
        self.received: list[tuple[int, bytes]] = []
        self.port = 0
        self.connections = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def seen(self) -> list[int]:
        """Of the frames that came."""
        return [key for key, _ in self.received]

    def push(self, data: bytes) -> None:
        """Send bytes to everybody."""
        for writer in self._writers:
            writer.write(data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        self.connections += 1
        try:
            while True:
                (size,) = struct.unpack(">I", await reader.readexactly(4))
                data = await reader.readexactly(size)
                key, _ = struct.unpack_from(">HH", data)
                self.received.append((key, data[4:]))
                self._answer(writer, key, data[4:])
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)
            writer.transport.abort()

    def _answer(self, writer: asyncio.StreamWriter, key: int, payload: bytes) -> None:
        if key in (Key.TUNE, Key.HEARTBEAT, Key.CREDIT, Key.STORE_OFFSET) or key & ANSWER:
            return
        answer = self.answers.get(key, _USUAL.get(key, b"\0\1"))
        if answer:
            writer.write(commands.frame(key | ANSWER, payload[:4] + answer))
        if key == Key.SASL_AUTHENTICATE and answer == b"\0\1":
            writer.write(commands.frame(Key.TUNE, commands.tune(1048576, 60)))


_USUAL: Mapping[int, bytes] = {
    Key.PEER_PROPERTIES: b"\0\1" + commands.properties({"product": "RabbitMQ", "cluster_name": "rabbit@one"}),
    Key.SASL_HANDSHAKE: b"\0\1" + struct.pack(">I", 2) + commands.text("PLAIN") + commands.text("EXTERNAL"),
    Key.QUERY_OFFSET: struct.pack(">HQ", commands.NO_OFFSET, 0),
    Key.METADATA: struct.pack(">IH", 1, 0) + commands.text("localhost") + struct.pack(">II", 5552, 1)
    + commands.text("s") + struct.pack(">HHI", 1, 0, 0),
}  # fmt: skip
