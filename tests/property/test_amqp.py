"""Laws of the AMQP reader: of its frames and of its window."""

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands, frame

from bridge.model import Delivery
from bridge.sources.amqp.frames import FrameParser
from bridge.sources.amqp.properties import Properties, read_properties
from bridge.sources.amqp.window import Window
from tests.unit.sources.amqp.broker import delivery

HEADERS = st.dictionaries(
    st.text(max_size=8),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**31), 2**31 - 1)
        | st.text(max_size=12)
        | st.binary(max_size=4).map(bytearray),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)
KEYS = st.sampled_from(["task.multi", "worker.heartbeat", "", "order.paid"])


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[bytes], int]:
    """What a broker may send: the bytes, the bodies in them, the number of methods."""
    data, bodies, methods = b"", [], 0
    for tag in range(1, draw(st.integers(0, 12)) + 1):
        match draw(st.integers(0, 5)):
            case 0:
                data += b"\x08\0\0\0\0\0\0\xce"
            case 1:
                data += frame.marshal(commands.Channel.Close(406, draw(st.text(max_size=20)), 0, 0), 2)
                methods += 1
            case _:
                body = draw(st.binary(max_size=40)) * draw(st.sampled_from([1, 1, 1, 300]))
                bodies.append(body)
                data += delivery(
                    tag,
                    body,
                    routing_key=draw(KEYS),
                    redelivered=draw(st.booleans()),
                    frame_bytes=4096,
                    content_type=draw(st.none() | st.just("application/json")),
                    headers=draw(st.none() | HEADERS),
                )
    return data, bodies, methods


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    """The pieces between the places."""
    places = [0, *sorted(place % (len(data) + 1) for place in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


@given(streams(), st.lists(st.integers(0, 100_000), max_size=30))
def test_any_slicing_gives_the_same(stream: tuple[bytes, list[bytes], int], cuts: list[int]) -> None:
    """However the network cuts the bytes, the same deliveries and methods come out, in the same order."""
    data, bodies, methods = stream
    whole = FrameParser().feed(data, 1.0)
    assert [one.body for one in whole[0]] == bodies
    assert len(whole[1]) == methods
    parser = FrameParser()
    deliveries, names = [], []
    for piece in cut(data, cuts):
        more, said = parser.feed(piece, 1.0)
        deliveries += more
        names += [(channel, method.name) for channel, method in said]
    assert deliveries == whole[0]
    assert names == [(channel, method.name) for channel, method in whole[1]]


@given(streams())
def test_byte_by_byte_gives_the_same(stream: tuple[bytes, list[bytes], int]) -> None:
    """The finest cut there is."""
    data, bodies, _ = stream
    parser = FrameParser()
    deliveries: list[Delivery] = []
    for at in range(len(data)):
        deliveries += parser.feed(data[at : at + 1], 1.0)[0]
    assert [one.body for one in deliveries] == bodies
    assert deliveries == FrameParser().feed(data, 1.0)[0]


@given(st.binary(max_size=300))
def test_properties_never_raise(data: bytes) -> None:
    """Whatever a sender put there, the body has to be delivered."""
    assert isinstance(read_properties(data), Properties)


@given(HEADERS)
def test_headers_are_what_was_sent(headers: dict[str, Any]) -> None:
    """As JSON can hold them: only bytes become text."""
    data = commands.Basic.Properties(content_type="t", headers=headers).marshal()
    assert read_properties(data) == ("t", None, textual(headers))


def textual(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: textual(item) for name, item in value.items()}
    if isinstance(value, list):
        return [textual(item) for item in value]
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytearray) else value


@given(st.data())
def test_the_window_counts_each_delivery_once(data: st.DataObject) -> None:
    """In whatever order deliveries of several connections are settled, however often: its bytes are the unsettled."""
    window, unsettled, known = Window(10_000), {}, []
    acked: set[int] = set()
    for generation in range(data.draw(st.integers(1, 3))):
        window.begin(generation)
        acked = set()
        for _ in range(data.draw(st.integers(1, 4))):
            tag = window.base + 1 + sum(1 for one in known if one.tag > window.base)
            new = [Delivery(b"x" * data.draw(st.integers(0, 9)), tag=tag + n) for n in range(3)]
            window.take(new)
            known += new
            unsettled |= {one.tag: len(one.body) for one in new}
            chosen = data.draw(st.just(new) | st.lists(st.sampled_from(known), max_size=6))
            reached = window.settle(chosen)
            for one in chosen:
                unsettled.pop(one.tag, None)
            if reached is not None:
                acked |= set(range(1, reached + 1))
            assert window.bytes == sum(unsettled.values())
            mine = {one.tag - window.base for one in known if one.tag > window.base and one.tag not in unsettled}
            assert acked | set(window.left()) == mine
