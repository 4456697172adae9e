"""What a content header says about a body: its type, its encoding, its headers."""

import struct
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

from bridge.clients.envelope import plain

_MAX_DEPTH = 64
"""Of nested tables and lists; a frame has room for thousands, and Python's stack has not."""

_NONE: Mapping[str, Any] = MappingProxyType({})

_NUMBERS: Mapping[int, struct.Struct] = {
    ord(letter): struct.Struct(f">{code}")
    for letter, code in (
        *(("t", "?"), ("b", "b"), ("B", "B"), ("s", "h"), ("u", "H"), ("I", "i"), ("i", "I"), ("l", "q"), ("L", "q")),
        *(("f", "f"), ("d", "d")),
    )
}
"""Table fields of a fixed size, as RabbitMQ and its clients use the letters (rabbitmq.com/amqp-0-9-1-errata)."""

_UNREADABLE = (ValueError, struct.error, IndexError, OverflowError)

_LONG = struct.Struct(">I")
_TIME = struct.Struct(">Q")
_DECIMAL = struct.Struct(">Bi")


class Properties(NamedTuple):
    """Of one content header. Headers are as JSON can hold them; shared between deliveries: read only."""

    content_type: str | None = None
    content_encoding: str | None = None
    headers: Mapping[str, Any] = _NONE


def read_properties(data: bytes) -> Properties:
    """
    The properties we want, the first three there are; those behind them are not looked at. Never raises: what cannot
    be parsed is left away, and the body is delivered all the same. Text that is no UTF-8 has it escaped (`\\xff`).

    Args:
        data: a content header from its property flags on (AMQP 0-9-1, 4.2.6.1).
    """
    try:
        return _properties(data)
    except _UNREADABLE:
        return Properties()


def _properties(data: bytes) -> Properties:
    flags, at = (data[0] << 8) | data[1], 2
    while data[at - 1] & 1:  # another word of flags, for properties that nobody has defined
        at += 2
    content_type = content_encoding = None
    headers = _NONE
    if flags & 0x8000:
        content_type, at = _short_text(data, at)
    if flags & 0x4000:
        content_encoding, at = _short_text(data, at)
    if flags & 0x2000:
        table, at = _table(data, at, 0)
        headers = plain(table)
    return Properties(content_type, content_encoding, headers)


def _cut(data: bytes, at: int, size: int) -> bytes:
    """So many bytes of it, exactly."""
    cut = data[at : at + size]
    if len(cut) != size:
        raise ValueError("it ends too early")
    return cut


def _short_text(data: bytes, at: int) -> tuple[str, int]:
    size = data[at]
    return _cut(data, at + 1, size).decode("utf-8", "backslashreplace"), at + 1 + size


def _long(data: bytes, at: int) -> tuple[bytes, int]:
    (size,) = _LONG.unpack_from(data, at)
    return _cut(data, at + 4, size), at + 4 + size


def _long_text(data: bytes, at: int, _depth: int) -> tuple[str, int]:
    text, at = _long(data, at)
    return text.decode("utf-8", "backslashreplace"), at


def _bytes(data: bytes, at: int, _depth: int) -> tuple[bytes, int]:
    return _long(data, at)


def _end(data: bytes, at: int, depth: int) -> int:
    (size,) = _LONG.unpack_from(data, at)
    if depth > _MAX_DEPTH or at + 4 + size > len(data):
        raise ValueError("nested too deeply, or it ends too early")
    return int(at + 4 + size)


def _table(data: bytes, at: int, depth: int) -> tuple[dict[str, object], int]:
    end, at = _end(data, at, depth), at + 4
    table: dict[str, object] = {}
    while at < end:
        name, at = _short_text(data, at)
        table[name], at = _value(data, at, depth)
    return table, end


def _list(data: bytes, at: int, depth: int) -> tuple[list[object], int]:
    end, at = _end(data, at, depth), at + 4
    items: list[object] = []
    while at < end:
        item, at = _value(data, at, depth)
        items.append(item)
    return items, end


def _value(data: bytes, at: int, depth: int) -> tuple[object, int]:
    kind = data[at]
    number = _NUMBERS.get(kind)
    if number is not None:
        return number.unpack_from(data, at + 1)[0], at + 1 + number.size
    reader = _OTHERS.get(kind)
    if reader is None:
        raise ValueError("a table field of an unknown type")
    return reader(data, at + 1, depth + 1)


def _void(data: bytes, at: int, depth: int) -> tuple[None, int]:  # noqa: ARG001 - as all of _OTHERS
    return None, at


def _time(data: bytes, at: int, _depth: int) -> tuple[object, int]:
    (seconds,) = _TIME.unpack_from(data, at)
    try:
        return datetime.fromtimestamp(seconds, UTC), at + 8
    except (ValueError, OverflowError, OSError):  # some senders put milliseconds there
        return seconds, at + 8


def _decimal(data: bytes, at: int, _depth: int) -> tuple[Decimal, int]:
    scale, digits = _DECIMAL.unpack_from(data, at)
    return Decimal(digits).scaleb(-scale), at + 5


_OTHERS: Mapping[int, Callable[[bytes, int, int], tuple[object, int]]] = {
    ord("S"): _long_text,
    ord("x"): _bytes,
    ord("F"): _table,
    ord("A"): _list,
    ord("T"): _time,
    ord("D"): _decimal,
    ord("V"): _void,
}
