"""The hot path: those messages of a chunk whose envelopes are known. No I/O."""

import struct

from bridge.model import Delivery
from bridge.sources.stream.envelope import Envelope

_U32 = struct.Struct(">I")

_SMALLEST = 64
"""Bytes of a message that can have three sections before its data: an exchange's name alone takes half of them."""

_BATCH = 0x80000000
"""This bit is set in what would be the size of a message."""


def cut(
    data: bytes,
    at: int,
    entries: int,
    offset: int,
    tag: int,
    received_at: float,
    known: dict[bytes, Envelope],
    deliveries: list[Delivery],
) -> tuple[int, int]:
    """
    Add a delivery for each of the next `entries` entries, up to the first one that is anything else than what RabbitMQ
    writes: annotations, properties and headers, each `00 53 CODE c1 SIZE`, which are known, and one data section. Where
    the three end is guessed from their sizes; a guess that is wrong is not among the known ones.

    Args:
        at: where in `data` the first of them begins.
        offset: of the first of them.
        tag: the one that was given last.
        known: see `Envelopes`.
        deliveries: what is added to.

    Returns:
        How many there were, and where the next entry begins, which may be beyond the end of the data.

    Raises:
        struct.error, IndexError: the data ends within an entry.
    """
    u32 = _U32.unpack_from
    for number in range(entries):
        size: int = u32(data, at)[0]
        if not _SMALLEST < size < _BATCH:
            return number, at
        start = at + 4
        end = start + size
        mark = start + 5 + data[start + 4]
        if mark + 4 >= end:
            return number, at
        mark += 5 + data[mark + 4]
        if mark + 4 >= end:
            return number, at
        mark += 9 + data[mark + 4]
        envelope = known.get(data[start:mark]) if mark + 4 <= end else None
        if envelope is None:
            return number, at
        short = data[mark - 1] == 0xA0  # a binary below 256 bytes, as half of Celery's events are
        body = mark + 1 if short else mark + 4
        if body + (data[mark] if short else u32(data, mark)[0]) != end:
            return number, at
        tag += 1
        offset += 1
        deliveries.append(Delivery(
            data[body:end], envelope.content_type, envelope.content_encoding, envelope.headers, envelope.routing_key,
            False, received_at, tag, offset.to_bytes(8, "big"),
        ))  # fmt: skip
        at = end
    return entries, at
