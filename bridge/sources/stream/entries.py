"""The hot path: those messages of a chunk whose envelopes are known. No I/O."""

from typing import TYPE_CHECKING, Final

from bridge.model import Delivery
from bridge.sources.stream.envelope import Envelope

if TYPE_CHECKING:  # of variables inside a function only: never looked up, but mypyc keeps them in registers
    from mypy_extensions import i64

_SMALLEST: Final = 64
"""Bytes of a message that can have three sections before its data: an exchange's name alone takes half of them."""

_SHORT: Final = 0xA0
"""The constructor of a binary below 256 bytes, as half of Celery's events are."""


def cut(
    data: bytes,
    at: int,
    entries: int,
    offset: int,
    tag: int,
    received_at: float | None,
    written: bytes,
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
        received_at: a number. (One that may be None is no machine's number, which each delivery would make anew.)
        written: what stands in a position behind the offset.
        known: see `Envelopes`.
        deliveries: what is added to.

    Returns:
        How many there were, and where the next entry begins, which may be beyond the end of the data.

    Raises:
        IndexError: the data ends within an entry.
    """
    place: i64 = at
    for number in range(entries):
        # A size by its three lower bytes: in the highest one is what marks a batch, or more than 16 MiB.
        size: i64 = (data[place + 1] << 16) | (data[place + 2] << 8) | data[place + 3]
        if data[place] or size <= _SMALLEST:
            return number, place
        start: i64 = place + 4
        end: i64 = start + size
        mark: i64 = start + 5 + data[start + 4]
        if mark + 4 >= end:
            return number, place
        mark += 5 + data[mark + 4]
        mark += 9 + data[mark + 4] if mark + 4 < end else size
        envelope = known.get(data[start:mark]) if mark + 4 <= end else None
        if envelope is None:
            return number, place
        body: i64 = mark + 1
        left: i64 = data[mark]
        if data[mark - 1] != _SHORT:
            body, left = mark + 4, (left << 24) | (data[mark + 1] << 16) | (data[mark + 2] << 8) | data[mark + 3]
        if body + left != end:
            return number, place
        tag, offset = tag + 1, offset + 1
        deliveries.append(Delivery(
            data[body:end], envelope.content_type, envelope.content_encoding, envelope.headers, envelope.routing_key,
            False, received_at, tag, offset.to_bytes(8, "big") + written,
        ))  # fmt: skip
        place = end
    return entries, place
