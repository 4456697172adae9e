"""
The chunks that a stream consists of, and the messages in them. No I/O.

A chunk as the server delivers it: magic and version (1 byte), type (1), entries (2), messages (4), timestamp (8),
epoch (8), offset of the first message (8), CRC-32 of the data (4), their size (4), trailer's size (4), reserved (4);
then the entries. An entry is a message (4 bytes of size with the highest bit clear), or a batch that its publisher made
(1 byte: highest bit set, 3 bits of compression; messages (2), their size (4), size as it is here (4)) of messages each
with its size (rabbitmq-server, deps/rabbitmq_stream/docs/PROTOCOL.adoc, "Deliver"; osiris_log.erl).
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from bridge.errors import ConnectError

_HEAD = struct.Struct(">BBHIqQQIIII")
_WRITTEN = 8
"""Where in it the timestamp is."""
_MAGIC = 0x50
_USER = 0
_U32 = struct.Struct(">I")
_BATCH = struct.Struct(">BHII")

COMPRESSIONS = ("none", "gzip", "snappy", "lz4", "zstd")
"""By number; others are reserved."""

_MAX_INFLATED_BYTES = 256 * 1024 * 1024
"""Of a publisher's batch of at most 65,535 messages; none of ours, nor Celery's, is made so."""


@dataclass(slots=True)
class Chunk:
    """A chunk's head, and where its entries are."""

    first: int
    """The offset of its first message."""
    messages: int
    entries: int
    data: bytes
    at: int
    """Where in `data` the first entry begins."""
    whole: bool
    """Whether the checksum is right."""
    written: bytes
    """When it was, by the clock of the stream's leader: milliseconds since the epoch, 8 bytes, big-endian."""

    @property
    def next(self) -> int:
        """The offset behind its last message."""
        return self.first + self.messages


@dataclass(slots=True)
class Batch:
    """An entry that its publisher made of several messages."""

    compression: int
    messages: int
    size: int
    """Bytes, uncompressed."""
    data: bytes


def read_chunk(payload: bytes, at: int = 0) -> Chunk:
    """
    The chunk that begins at `at`.

    Raises:
        ConnectError: it is none, or none of messages.
    """
    try:
        magic, kind, entries, messages, _, _, first, checksum, size, _, _ = _HEAD.unpack_from(payload, at)
    except struct.error:
        raise ConnectError("the server sent a chunk that is cut short") from None
    start = at + _HEAD.size
    if magic != _MAGIC or kind != _USER or start + size > len(payload):
        raise ConnectError(f"the server sent a chunk that cannot be read (magic {magic:#x}, type {kind})")
    data = memoryview(payload)[start : start + size]
    written = payload[at + _WRITTEN : at + _WRITTEN + 8]
    return Chunk(first, messages, entries, payload, start, zlib.crc32(data) == checksum, written)


def read_batch(data: bytes, at: int) -> tuple[Batch, int]:
    """
    The batch at `at`, and where the next entry begins.

    Raises:
        ConnectError: it is cut short.
    """
    try:
        kind, messages, size, held = _BATCH.unpack_from(data, at)
    except struct.error:
        raise ConnectError("the server sent a batch that is cut short") from None
    at += _BATCH.size
    return Batch(kind >> 4 & 7, messages, size, data[at : at + held]), at + held


def unpack(batch: Batch) -> Iterator[tuple[bytes, int, int]]:
    """
    The messages of a batch, as data with a beginning and an end.

    Raises:
        ValueError: its compression is none that can be undone here, or it does not hold what it says.
    """
    if batch.compression > 1:
        raise ValueError("this compression cannot be undone")
    data = batch.data if batch.compression == 0 else _inflate(batch)
    spans = []
    at = 0
    for _ in range(batch.messages):
        if at + 4 > len(data):
            raise ValueError("it holds fewer messages than it says")
        (size,) = _U32.unpack_from(data, at)
        at += 4 + size
        spans.append((data, at - size, at))
    if at > len(data):
        raise ValueError("its last message is cut short")
    return iter(spans)


def _inflate(batch: Batch) -> bytes:
    if batch.size > _MAX_INFLATED_BYTES:
        raise ValueError("it is too large")
    inflate = zlib.decompressobj(wbits=31)
    try:
        data = inflate.decompress(batch.data, batch.size + 1)
    except zlib.error as error:
        raise ValueError("it is no gzip") from error
    if len(data) != batch.size:
        raise ValueError("it is not as large as it says")
    return data
