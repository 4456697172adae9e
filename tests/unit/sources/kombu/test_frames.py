"""bridge.sources.kombu.frames"""

import struct
from types import SimpleNamespace

import pytest

from bridge.model import Delivery
from bridge.sources.kombu.frames import Frame, FrameReader

METHOD, HEADER, BODY = 1, 2, 3
FLAGS_CONTENT_TYPE, FLAGS_HEADERS = 1 << 15, 1 << 13


def short(text: bytes) -> bytes:
    return bytes([len(text)]) + text


def deliver(tag: int = 1, *, redelivered: int = 0, routing_key: bytes = b"task.multi") -> Frame:
    arguments = short(b"consumer") + struct.pack(">QB", tag, redelivered) + short(b"celeryev") + short(routing_key)
    return METHOD, 1, struct.pack(">HH", 60, 60) + arguments


def header(size: int, flags: int = 0, properties: bytes = b"") -> Frame:
    return HEADER, 1, struct.pack(">HHQH", 60, 0, size, flags) + properties


def table(name: bytes, value: bytes) -> bytes:
    entry = short(name) + b"S" + struct.pack(">I", len(value)) + value
    return struct.pack(">I", len(entry)) + entry


def nested(levels: int) -> bytes:
    """A table of tables, each entry named `k`."""
    entries = b""
    for _ in range(levels):
        entries = short(b"k") + b"F" + struct.pack(">I", len(entries)) + entries
    return struct.pack(">I", len(entries)) + entries


def read(*frames: Frame) -> tuple[list[Delivery], list[object]]:
    """What becomes a delivery, and which methods went to py-amqp."""
    others: list[object] = []
    reader = FrameReader(lambda tag: ("g", tag), lambda: 5.0)
    connection = SimpleNamespace(bytes_recv=0)
    handle = reader.handler(connection, lambda _channel, method, _arguments, _content: others.append(method))
    for frame in frames:
        handle(frame)
    return reader.deliveries, others


def test_a_delivery_has_everything() -> None:
    """Body of several frames, content type, headers, routing key, redelivery, tag and time."""
    properties = short(b"application/json") + table(b"hostname", b"h")
    frames = (header(6, FLAGS_CONTENT_TYPE | FLAGS_HEADERS, properties), (BODY, 1, b"[1,"), (BODY, 1, b"2]\n"))
    deliveries, others = read(deliver(7, redelivered=1), *frames)
    expected = Delivery(b"[1,2]\n", "application/json", None, {"hostname": "h"}, "task.multi", True, 5.0, ("g", 7))
    assert deliveries == [expected]
    assert others == []


def test_an_empty_body_is_bytes() -> None:
    """py-amqp leaves a str in a message without a body."""
    deliveries, _ = read(deliver(), header(0))
    assert [delivery.body for delivery in deliveries] == [b""]


@pytest.mark.parametrize(
    ("flags", "properties"),
    [
        (FLAGS_CONTENT_TYPE, short(b"\xff\xfe")),
        (FLAGS_CONTENT_TYPE, b"\x20too short"),
        (FLAGS_HEADERS, table(b"k", b"v")[:-3]),
        (FLAGS_HEADERS, struct.pack(">I", 9) + short(b"k") + b"?1234567"),
        (FLAGS_HEADERS, table(b"\xff", b"v")),
        (FLAGS_HEADERS, nested(5000)),
    ],
)
def test_properties_that_cannot_be_read_cost_only_themselves(flags: int, properties: bytes) -> None:
    """The body is delivered, and the next message is whole again."""
    frames = (deliver(1), header(2, flags, properties), (BODY, 1, b"{}"))
    deliveries, _ = read(*frames, deliver(2), header(2, FLAGS_CONTENT_TYPE, short(b"text/x")), (BODY, 1, b"[]"))
    assert [delivery.body for delivery in deliveries] == [b"{}", b"[]"]
    assert (deliveries[1].content_type, deliveries[1].tag) == ("text/x", ("g", 2))


def test_a_routing_key_need_not_be_utf8() -> None:
    """It is shown as far as it can be."""
    deliveries, _ = read(deliver(routing_key=b"task.\xff"), header(2), (BODY, 1, b"{}"))
    assert deliveries[0].routing_key == "task.\ufffd"


def test_other_methods_go_to_py_amqp() -> None:
    """Cancel, close, acknowledgements of ours."""
    _, others = read((METHOD, 1, struct.pack(">HH", 60, 30) + short(b"c")))
    assert others == [(60, 30)]


def test_what_breaks_the_protocol_is_still_an_error() -> None:
    """Only properties are forgiven: a body where a method belongs means that the stream is out of step."""
    with pytest.raises(Exception, match="expecting type"):
        read((BODY, 1, b"{}"))
