"""bridge/sources/stream/amqp10.py."""

import struct

import pytest

from bridge.sources.stream.amqp10 import span, value


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"@", None), (b"A", True), (b"B", False), (b"V\1", True), (b"C", 0), (b"D", 0), (b"E", []),
        (b"P\7", 7), (b"Q\xff", -1), (b"R\7", 7), (b"S\7", 7), (b"T\xff", -1), (b"U\xff", -1),
        (b"`\1\0", 256), (b"a\xff\xff", -1), (b"p\0\0\1\0", 256), (b"q" + b"\xff" * 4, -1),
        (b"\x80" + b"\0" * 7 + b"\5", 5), (b"\x81" + b"\xff" * 8, -1), (b"\x82" + struct.pack(">d", 1.5), 1.5),
        (b"r" + struct.pack(">f", 0.5), 0.5), (b"\x83" + b"\0" * 7 + b"\5", 5), (b"s\0\0\0a", "a"),
        (b"\xa0\2hi", b"hi"), (b"\xb0\0\0\0\2hi", b"hi"), (b"\xa1\2hi", "hi"), (b"\xb1\0\0\0\2hi", "hi"),
        (b"\xa3\2hi", "hi"), (b"\xb3\0\0\0\2hi", "hi"), (b"\xa1\1\xff", "\\xff"),
        (b"\xc0\3\2AB", [True, False]), (b"\xd0\0\0\0\6\0\0\0\2AB", [True, False]),
        (b"\xc1\5\2\xa1\1kA", {"k": True}), (b"\x00S\x70A", True), (b"\x98" + b"u" * 16, b"u" * 16),
    ],
)  # fmt: skip
def test_a_value_is_read(data: bytes, expected: object) -> None:
    """Every type that an envelope may hold, and where the next value begins."""
    assert value(data + b"rest", 0) == (expected, len(data))


@pytest.mark.parametrize(
    "data",
    [b"", b"\xa1", b"\xa1\5hi", b"\x01", b"p\0", b"\xc0\3\2A", b"\xc1\2\1A", b"\xc0\2\xffA", b"\0S\1" * 40 + b"A"],
)
def test_what_is_no_value_is_refused(data: bytes) -> None:
    """Cut short, unknown, without an end: a ValueError, never another error."""
    with pytest.raises(ValueError, match=r"."):
        value(data, 0)


def test_a_value_can_be_passed_over() -> None:
    """Where its bytes begin and end, without reading it."""
    assert span(b"x\xa1\2hi", 1) == (3, 5)
