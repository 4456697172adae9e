"""bridge.sources.amqp.properties"""

import struct
from datetime import UTC, datetime

import pytest
from amqp.serialization import dumps
from pamqp import commands

from bridge.sources.amqp.properties import Properties, read_properties


def headers_of(value: bytes) -> object:
    """What a table of one field `x` gives, `value` with its type letter before it."""
    table = b"\x01x" + value
    return read_properties(b"\x20\0" + struct.pack(">I", len(table)) + table).headers.get("x", "unread")


def test_all_properties_may_be_there() -> None:
    """Those we want are the first three; nothing depends on the others."""
    properties = commands.Basic.Properties(
        "application/json", "utf-8", {"a": 1}, 2, 3, "c", "r", "9", "m", datetime.now(UTC), "t", "u", "app", ""
    )
    assert read_properties(properties.marshal()) == ("application/json", "utf-8", {"a": 1})


def test_none_may_be_there() -> None:
    """A message without properties is one."""
    assert read_properties(b"\0\0") == Properties(None, None, {})


def test_more_words_of_flags_are_passed_over() -> None:
    """AMQP lets a sender set properties that nobody has defined."""
    assert read_properties(b"\x80\x01\0\x01\0\0\x04json") == ("json", None, {})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"t\x01", True),
        (b"b\xff", -1),
        (b"B\xff", 255),
        (b"s\xff\xfe", -2),
        (b"u\xff\xfe", 65534),
        (b"I\xff\xff\xff\xff", -1),
        (b"i\xff\xff\xff\xff", 4294967295),
        (b"l" + struct.pack(">q", -5), -5),
        (b"L" + struct.pack(">q", 5), 5),
        (b"f" + struct.pack(">f", 1.5), 1.5),
        (b"d" + struct.pack(">d", 0.1), 0.1),
        (b"d" + struct.pack(">d", float("nan")), "nan"),
        (b"D\x02" + struct.pack(">i", -314), "-3.14"),
        (b"S\0\0\0\x02hi", "hi"),
        (b"S\0\0\0\x02h\xff", "h\\xff"),
        (b"x\0\0\0\x01\xff", "\\xff"),
        (b"T" + struct.pack(">Q", 0), "1970-01-01T00:00:00+00:00"),
        (b"T" + struct.pack(">Q", 2**63), 2**63),
        (b"V", None),
        (b"A\0\0\0\x04t\x01b\x07", [True, 7]),
        (b"F\0\0\0\x04\x01ab\x07", {"a": 7}),
    ],
)
def test_every_type_of_field_is_read(value: bytes, expected: object) -> None:
    """As RabbitMQ uses the letters, and as JSON can hold it."""
    assert headers_of(value) == expected


def test_py_amqp_is_understood() -> None:
    """Celery sends through it."""
    headers = {"hostname": "w@h", "n": 2**40, "small": -3, "yes": True, "none": None, "list": [1, "a"], "d": {"x": 0.5}}
    table = dumps("F", (headers,))
    assert read_properties(b"\x20\0" + table).headers == headers


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80",
        b"\x80\0",
        b"\x80\0\x09short",
        b"\x20\0\0\0\0\x09\x01xS\0\0\0\xff",
        b"\x20\0\0\0\0\x03\x01x?",
        b"\x20\0\xff\xff\xff\xff",
        b"\0\x01",
        b"\x20\0" + struct.pack(">I", 1000) + b"\x01xt",
    ],
)
def test_what_cannot_be_read_is_left_away(data: bytes) -> None:
    """The body is delivered all the same."""
    assert read_properties(data) == Properties()


def test_nesting_without_end_is_left_away() -> None:
    """A frame has room for thousands of tables in each other; Python's stack has not."""
    table = b""
    for _ in range(5000):
        table = b"\x01xF" + struct.pack(">I", len(table)) + table
    assert read_properties(b"\x20\0" + struct.pack(">I", len(table)) + table) == Properties()
