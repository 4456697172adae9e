"""bridge.sources.amqp.frames"""

import struct

import pytest
from pamqp import commands, frame
from pamqp.exceptions import PAMQPException

from bridge.model import Delivery
from bridge.sources.amqp.frames import MAX_BODY_BYTES, FrameParser, Method
from tests.unit.sources.amqp.broker import delivery

HEARTBEAT = b"\x08\0\0\0\0\0\0\xce"


def fed(*pieces: bytes, **settings: int) -> tuple[list[Delivery], list[Method]]:
    """What a new parser makes of them, one after the other, at 7 o'clock."""
    parser = FrameParser(settings.get("tag_base", 0))
    parser.max_frame_bytes = settings.get("max_frame_bytes", parser.max_frame_bytes)
    deliveries, methods = [], []
    for piece in pieces:
        more = parser.feed(piece, 7.0)
        deliveries += more[0]
        methods += more[1]
    return deliveries, methods


def test_a_delivery_is_all_there_is_of_it() -> None:
    """Body, type, encoding, headers, routing key, whether it came before, when it came, its tag."""
    properties = {"content_type": "application/json", "content_encoding": "utf-8", "headers": {"hostname": "w"}}
    data = delivery(3, b"{}", redelivered=True, delivery_mode=1, priority=0, **properties)
    expected = Delivery(b"{}", "application/json", "utf-8", {"hostname": "w"}, "task.multi", True, 7.0, 1003)
    assert fed(data, tag_base=1000) == ([expected], [])


def test_many_deliveries_come_out_of_one_read_in_order() -> None:
    """Different keys and properties are told apart, the same ones are the same objects."""
    data = b"".join(delivery(n, b"%d" % n, routing_key=f"key.{n % 2}", headers={"n": n % 3}) for n in range(1, 100))
    deliveries, _ = fed(data)
    assert [d.body for d in deliveries] == [b"%d" % n for n in range(1, 100)]
    assert [d.tag for d in deliveries] == list(range(1, 100))
    assert [d.routing_key for d in deliveries] == [f"key.{n % 2}" for n in range(1, 100)]
    assert [d.headers for d in deliveries] == [{"n": n % 3} for n in range(1, 100)]
    assert deliveries[10].headers is deliveries[40].headers


def test_what_no_cache_holds_is_right_too() -> None:
    """More different keys and properties than are remembered, and properties too large to be."""
    data = b"".join(
        delivery(n, b"x", routing_key=f"k{n}", headers={"n": n, "large": "x" * (2000 if n % 7 == 0 else 1)})
        for n in range(1, 3000)
    )
    deliveries, _ = fed(data)
    assert [(d.routing_key, d.headers["n"]) for d in deliveries] == [(f"k{n}", n) for n in range(1, 3000)]
    assert {len(d.headers["large"]) for d in deliveries} == {1, 2000}


@pytest.mark.parametrize("size", [0, 1, 4087, 4088, 4089, 100_000])
def test_a_body_comes_in_as_many_frames_as_it_takes(size: int) -> None:
    """None at all when it is empty."""
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    ((first, second), methods) = fed(
        delivery(1, body, frame_bytes=4096) + delivery(2, b"next", frame_bytes=4096), max_frame_bytes=4096
    )
    assert (first.body, second.body, methods) == (body, b"next", [])


def test_other_frames_may_lie_between_those_of_a_message() -> None:
    """Heartbeats and the methods of other channels, and a message on another channel."""
    one, other = delivery(1, b"x" * 5000, frame_bytes=4096), delivery(9, b"other", channel=2)
    unblocked = frame.marshal(commands.Connection.Unblocked(), 0)
    cut = one.index(b"\xce", 7) + 1
    end = cut + 7 + struct.unpack(">I", one[cut + 3 : cut + 7])[0] + 1
    data = one[:cut] + HEARTBEAT + one[cut:end] + other + unblocked + one[end:]
    deliveries, ((channel, method),) = fed(data)
    assert [d.body for d in deliveries] == [b"other", b"x" * 5000]
    assert (channel, method.name) == (0, "Connection.Unblocked")


def test_consumers_with_names_of_different_lengths_are_read() -> None:
    """The fast way follows the length that it met last."""
    data = b""
    for n, name in enumerate(["", "a", "long.name", "a", "long.name", "long.name"], 1):
        message = delivery(n, b"%d" % n)
        data += frame.marshal(commands.Basic.Deliver(name, n, False, "celeryev", "k"), 1)
        data += message[message.index(b"\xce") + 1 :]
    assert [d.body for d in fed(data)[0]] == [b"%d" % n for n in range(1, 7)]


def test_properties_that_cannot_be_read_cost_the_properties_only() -> None:
    """The body is delivered, and the next message too."""
    broken = delivery(1, b"body", headers={"x": "y"}).replace(b"\x01xS", b"\x01x?")
    deliveries, _ = fed(broken + delivery(2, b"next", content_type="t"))
    assert [(d.body, d.content_type, d.headers) for d in deliveries] == [(b"body", None, {}), (b"next", "t", {})]


def test_a_routing_key_of_arbitrary_bytes_is_no_trouble() -> None:
    """What is no UTF-8 is replaced."""
    (one,), _ = fed(delivery(1, b"body", routing_key="task.AB").replace(b"task.AB", b"task.\xff\xce"))
    assert one.routing_key == "task.��"
    assert one.body == b"body"


@pytest.mark.parametrize(
    "data",
    [
        b"AMQP\x00\x00\x09\x01",
        b"HTTP/1.1 400 Bad Request\r\n",
        struct.pack(">BHI", 1, 0, 200_000) + b"x",
        struct.pack(">BHI", 1, 0, 4) + b"\xff\xff\xff\xff\xce",
        struct.pack(">BHI", 1, 0, 4) + b"\0\x0a\0\x0a\0",
        struct.pack(">BHI", 1, 1, 5) + b"\0\x3c\0\x3c\x09\xce",
        struct.pack(">BHI", 1, 0, 8) + b"\0\x0a\0\x0a\0\x09\xff\xff\xce",
        struct.pack(">BHI", 3, 1, 1) + b"x\xce",
        delivery(1, b"") + struct.pack(">BHI", 3, 1, 1) + b"x\xce",
        delivery(1, b"xy")[:-10] + delivery(1, b"xy")[-10:] + struct.pack(">BHI", 2, 1, 14) + b"\0" * 14 + b"\xce",
    ],
)
def test_what_is_no_amqp_is_refused(data: bytes) -> None:
    """Another protocol's greeting, frames beyond what was agreed, without end mark, or out of place."""
    with pytest.raises(PAMQPException):
        fed(data)


def test_a_body_beyond_what_any_broker_takes_is_refused() -> None:
    """Its header promises more than RabbitMQ can hold in a message, and no memory is taken for it."""
    data = bytearray(delivery(1, b"x"))
    at = data.index(b"\x02\0\x01", 7) + 7 + 4
    data[at : at + 8] = struct.pack(">Q", MAX_BODY_BYTES + 1)
    with pytest.raises(PAMQPException, match="a body of"):
        fed(bytes(data))


def test_a_body_longer_than_promised_is_refused() -> None:
    """The parser would be out of step from there on."""
    data = delivery(1, b"x" * 5000, frame_bytes=4096)
    longer = data[:-1] + b"xx\xce"
    at = longer.rindex(b"\x03\0\x01") + 3
    longer = longer[:at] + struct.pack(">I", len(longer) - at - 5) + longer[at + 4 :]
    with pytest.raises(PAMQPException, match="a body of"):
        fed(longer)
