"""From a chunk to deliveries. No I/O."""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from bridge.errors import ConnectError
from bridge.model import Delivery
from bridge.sources.stream.chunk import COMPRESSIONS, Batch, Chunk, read_batch, unpack
from bridge.sources.stream.entries import cut
from bridge.sources.stream.envelope import Envelope, Envelopes

BATCH_TYPE = "application/vnd.rabbitmq.stream-batch"
"""What a batch is called that cannot be undone here: its bytes become a dead letter for their content type."""

_U32 = struct.Struct(">I")


def position_of(offset: int, moment: float = 0.0) -> bytes:
    """
    Where to go on, where no message of a chunk says it: the offset of the next message, then the moment up to which all
    was read, each 8 bytes, big-endian.

    Behind a message of a chunk the moment is that when the chunk was written (`Chunk.written`), by which the stream is
    known again. This one is of no chunk, which its sign says.

    Args:
        moment: seconds since the epoch; 0: nobody knows.
    """
    return offset.to_bytes(8, "big") + (-int(moment * 1000)).to_bytes(8, "big", signed=True)


def offset_of(position: bytes) -> int:
    """
    The offset that a position stands for.

    Raises:
        ValueError: it is no position of a stream.
    """
    if len(position) not in (8, 16):  # a moment was not always in it
        raise ValueError("no position of a stream: it has 16 bytes")
    return int.from_bytes(position[:8], "big")


def moment_of(written: bytes) -> float | None:
    """When a chunk was written (`Chunk.written`), in seconds since the epoch; None: that is no time."""
    millis = int.from_bytes(written, "big", signed=True)
    return millis / 1000 if millis > 0 else None


def whole_until(position: bytes) -> float | None:
    """The moment in a position, in seconds since the epoch; None: nobody knows."""
    millis = int.from_bytes(position[8:], "big", signed=True)
    return abs(millis) / 1000 if millis else None


def written_of(position: bytes) -> bytes | None:
    """When the chunk was written that a position stands behind (`Chunk.written`); None: it does not say."""
    written = position[8:]
    return written if int.from_bytes(written, "big", signed=True) > 0 else None


@dataclass(slots=True)
class Single:
    """A message that came alone, over AMQP, its envelope open already."""

    first: int
    """Its offset."""
    delivery: Delivery
    tagged: Callable[[int | None], None]
    """Called with the tag it is given, or None when it is not wanted."""

    @property
    def next(self) -> int:
        """The offset behind it."""
        return self.first + 1


class Messages:
    """
    Reads the messages of chunks and opens their envelopes.

    A delivery's tag is its number, counted from 1 over the life of this object and over all connections.
    """

    def __init__(self) -> None:
        self._envelopes = Envelopes()
        self.handed = 0
        """The tag that was given last."""

    def read(self, chunk: Chunk, wanted: int, received_at: float) -> list[Delivery]:
        """
        The deliveries of the messages at offset `wanted` and above, in order.

        Raises:
            ConnectError: an entry is cut short, or there are fewer messages than the chunk says.
        """
        try:
            deliveries, end, next_offset = self._read(chunk, wanted, received_at)
        except (struct.error, IndexError):
            raise ConnectError(f"the chunk at offset {chunk.first} is cut short") from None
        if end > len(chunk.data) or next_offset != chunk.next:
            raise ConnectError(f"the chunk at offset {chunk.first} does not hold what it says")
        return deliveries

    def _read(self, chunk: Chunk, wanted: int, received_at: float) -> tuple[list[Delivery], int, int]:
        data, at, offset, left = chunk.data, chunk.at, chunk.first, chunk.entries
        known, open_ = self._envelopes.known, self._envelopes.open
        deliveries: list[Delivery] = []
        while left:
            if offset >= wanted:
                count, at = cut(data, at, left, offset, self.handed, received_at, chunk.written, known, deliveries)
                self.handed, offset, left = self.handed + count, offset + count, left - count
                if not left:
                    break
            left -= 1
            (size,) = _U32.unpack_from(data, at)
            if size & 0x80000000:
                batch, at = read_batch(data, at)
                deliveries += self._unbatched(batch, offset, wanted, received_at, chunk.written)
                offset += batch.messages
                continue
            start = at + 4
            at = start + size
            offset += 1
            if offset > wanted:
                envelope, body = open_(data, start, at)
                deliveries.append(self._delivery(envelope, body, offset, received_at, chunk.written))
        return deliveries, at, offset

    def _delivery(
        self, envelope: Envelope, body: bytes, next_offset: int, received_at: float, written: bytes
    ) -> Delivery:
        self.handed += 1
        return Delivery(
            body,
            envelope.content_type,
            envelope.content_encoding,
            envelope.headers,
            envelope.routing_key,
            False,
            received_at,
            self.handed,
            next_offset.to_bytes(8, "big") + written,
        )

    def single(self, single: Single, wanted: int, now: float) -> list[Delivery]:
        """The delivery, tagged, when its offset is `wanted` or above. When it was written AMQP does not say."""
        if single.first < wanted:
            single.tagged(None)
            return []
        self.handed += 1
        single.delivery.tag, single.delivery.position = self.handed, position_of(single.next, now)
        single.tagged(self.handed)
        return [single.delivery]

    def _unbatched(self, batch: Batch, offset: int, wanted: int, received_at: float, written: bytes) -> list[Delivery]:
        """The deliveries of a batch whose first message has `offset`; one that holds all of it where it is sealed."""
        try:
            spans = unpack(batch)
        except ValueError:
            if offset + batch.messages <= wanted:
                return []
            self.handed += 1
            name = COMPRESSIONS[batch.compression] if batch.compression < len(COMPRESSIONS) else str(batch.compression)
            position = (offset + batch.messages).to_bytes(8, "big") + written
            return [Delivery(batch.data, BATCH_TYPE, name, {}, "", False, received_at, self.handed, position)]
        deliveries = []
        for number, (data, start, end) in enumerate(spans, offset + 1):
            if number > wanted:
                envelope, body = self._envelopes.open(data, start, end)
                deliveries.append(self._delivery(envelope, body, number, received_at, written))
        return deliveries
