"""
AMQP 1.0's types, as far as the envelope of a message needs them. No I/O.

A value is a constructor (1 byte) and its bytes; the constructor's upper half says how many: 4 none, 5 one, 6 two, 7
four, 8 eight, 9 sixteen, A a length of one byte and so many, B a length of four, C and E a size of one byte that spans
the count too, D and F one of four (OASIS AMQP 1.0, part 1, 1.2).
"""

import struct
from collections.abc import Callable, Mapping
from typing import Any

_WIDTHS = {0x4: 0, 0x5: 1, 0x6: 2, 0x7: 4, 0x8: 8, 0x9: 16}
_SIZED = {0xA: 1, 0xB: 4, 0xC: 1, 0xD: 4, 0xE: 1, 0xF: 4}

_MAX_DEPTH = 16
"""Of nested lists and maps: a hostile sender must not exhaust the stack."""


def _fixed(form: str) -> Callable[[bytes], Any]:
    unpack = struct.Struct(form).unpack
    return lambda data: unpack(data)[0]


def _utf8(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


_READERS: Mapping[int, Callable[[bytes], Any]] = {
    0x40: lambda _: None, 0x41: lambda _: True, 0x42: lambda _: False, 0x43: lambda _: 0, 0x44: lambda _: 0,
    0x45: lambda _: [],
    0x50: _fixed(">B"), 0x51: _fixed(">b"), 0x52: _fixed(">B"), 0x53: _fixed(">B"), 0x54: _fixed(">b"),
    0x55: _fixed(">b"), 0x56: _fixed(">?"), 0x60: _fixed(">H"), 0x61: _fixed(">h"), 0x70: _fixed(">I"),
    0x71: _fixed(">i"), 0x72: _fixed(">f"), 0x80: _fixed(">Q"), 0x81: _fixed(">q"), 0x82: _fixed(">d"),
    0x83: _fixed(">q"),  # a timestamp: milliseconds since the epoch
    0x73: lambda data: data.decode("utf-32-be", "backslashreplace"),
    0xA0: bytes, 0xB0: bytes, 0xA1: _utf8, 0xB1: _utf8, 0xA3: _utf8, 0xB3: _utf8,
}  # fmt: skip


def span(data: bytes, at: int) -> tuple[int, int]:
    """
    Where the bytes of the value at `at` begin and end, behind constructor and length.

    Raises:
        ValueError: there is no whole value.
    """
    if at >= len(data):
        raise ValueError("a value is missing")
    kind, at = data[at] >> 4, at + 1
    if kind in _WIDTHS:
        end = at + _WIDTHS[kind]
    elif kind in _SIZED:
        width = _SIZED[kind]
        end = at + width + int.from_bytes(data[at : at + width], "big")
        at += width
    else:
        raise ValueError("a constructor is unknown")
    if end > len(data):
        raise ValueError("a value is cut short")
    return at, end


def value(data: bytes, at: int, depth: int = 0) -> tuple[Any, int]:
    """
    The value at `at`, and where the next one begins. Types that Python has not are given as their bytes.

    Raises:
        ValueError: there is no whole value, or it is nested too deeply.
    """
    if depth > _MAX_DEPTH:
        raise ValueError("values are nested too deeply")
    if data[at : at + 1] == b"\0":  # described: the descriptor says what the value means, and we need not know
        _, at = span(data, at + 1)
        return value(data, at, depth + 1)
    start, end = span(data, at)
    constructor = data[at]
    if constructor in (0xC0, 0xD0, 0xC1, 0xD1):
        items = _items(data, start, end, 1 if constructor < 0xD0 else 4, depth)
        return (items if constructor in (0xC0, 0xD0) else _map(items)), end
    read = _READERS.get(constructor, bytes)
    return read(data[start:end]), end


def _items(data: bytes, at: int, end: int, width: int, depth: int) -> list[Any]:
    count = int.from_bytes(data[at : at + width], "big")
    if count > end - at:
        raise ValueError("a list says it holds more than it has bytes")
    at += width
    items = []
    for _ in range(count):
        item, at = value(data, at, depth + 1)
        items.append(item)
    if at != end:
        raise ValueError("a list ends elsewhere than it says")
    return items


def _map(items: list[Any]) -> dict[str, Any]:
    if len(items) % 2:
        raise ValueError("a map has a key without a value")
    return {str(name): item for name, item in zip(items[::2], items[1::2], strict=True)}
