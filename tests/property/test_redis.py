"""Laws of the Redis source's parsing."""

import base64
import itertools
import json
from typing import Any

import hiredis
from hypothesis import given
from hypothesis import strategies as st

from bridge.clients.envelope import read_envelope
from bridge.sources.redis.channel import channel
from bridge.sources.redis.envelope import Envelopes
from bridge.sources.redis.replies import Replies
from tests.unit.sources.redis.scripted import bulk

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)
names = st.sampled_from(["delivery_tag", "body", "body_encoding", "routing_key", "redelivered", "compression", 'x"y'])
tables = st.dictionaries(names | st.text(max_size=5), json_values, max_size=4)
tags = st.uuids().map(str) | st.text(max_size=40)


@st.composite
def envelopes(draw: st.DrawFn) -> bytes:
    """Kombu's envelope, with anything in it changed, added, left away or in another order."""
    properties: dict[str, Any] = {
        "delivery_info": {"exchange": "celeryev", "routing_key": "task.multi"},
        "body_encoding": draw(st.sampled_from(["base64", "BASE64", None, "utf-8"])),
        "delivery_tag": draw(tags),
    }
    parts: dict[str, Any] = {
        "body": draw(st.binary(max_size=40).map(lambda raw: base64.b64encode(raw).decode()) | st.text(max_size=20)),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": draw(tables),
        "properties": properties | draw(tables) if draw(st.booleans()) else properties,
    }
    keys = draw(st.permutations(sorted(parts))) if draw(st.booleans()) else list(parts)
    whole = {key: parts[key] for key in keys} | (draw(tables) if draw(st.booleans()) else {})
    text = json.dumps(whole, ensure_ascii=draw(st.booleans()), separators=draw(st.sampled_from([None, (",", ":")])))
    return text.encode("utf-8", "replace")


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """An envelope with some bytes replaced."""
    data = bytearray(draw(envelopes()))
    for at in draw(st.lists(st.integers(0, len(data) - 1), max_size=3)):
        data[at : at + 1] = draw(st.sampled_from([b'"', b"\\", b"}", b",", b"\xff", b"", b'","body":"', b"e30="]))
    return bytes(data)


@given(st.lists(envelopes() | mutated() | st.binary(max_size=50), max_size=6))
def test_an_envelope_is_opened_as_everywhere_else(messages: list[bytes]) -> None:
    """Whatever came before it and however odd it is: what is remembered never changes what is read."""
    opener = Envelopes()
    for data in [*messages, *messages]:
        expected = read_envelope(data, routing_key="key", received_at=1.0, tag=None)
        assert opener.open(data, "key", 1.0) == expected


replies = st.one_of(
    st.binary(max_size=60).map(lambda body: bulk(b"pmessage", b"/0.celeryev/*", b"/0.celeryev/task.multi", body)),
    st.binary(max_size=60).map(lambda body: bulk(b"pmessage", b"p", b"c", body).replace(b"*4", b">4", 1)),
    st.binary(max_size=20).map(lambda body: bulk(b"message", b"/0.celeryev", body)),
    st.sampled_from([b"+PONG\r\n", b"-ERR no\r\n", b":1\r\n", b"_\r\n", b"#f\r\n", b"*0\r\n", bulk(b"pong", b"")]),
    st.just(b"%1\r\n$5\r\nproto\r\n:3\r\n"),
)


@given(st.lists(replies, max_size=12).map(b"".join), st.lists(st.integers(0, 2000), max_size=8))
def test_slicing_changes_nothing(stream: bytes, cuts: list[int]) -> None:
    """However the bytes of a connection are cut into reads, deliveries and answers are the same, in the same order."""
    whole = parsed([stream])
    assert parsed([stream[at : at + 1] for at in range(len(stream))]) == whole
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    assert parsed([stream[begin:end] for begin, end in itertools.pairwise(edges)]) == whole


def parsed(slices: list[bytes]) -> tuple[list[Any], list[Any]]:
    """Deliveries and answers of a connection; errors by their words, for they do not compare."""
    parser = Replies(channel(0), Envelopes())
    deliveries, answers = [], []
    for data in slices:
        some, others = parser.feed(data, 1.0)
        deliveries += some
        answers += [str(answer) if isinstance(answer, hiredis.ReplyError) else answer for answer in others]
    return deliveries, answers
