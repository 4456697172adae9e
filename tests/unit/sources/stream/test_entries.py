"""bridge/sources/stream/entries.py."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import Delivery
from bridge.sources.stream.chunk import read_chunk
from bridge.sources.stream.entries import cut
from bridge.sources.stream.envelope import Envelopes
from tests.unit.sources.stream.streaming import batch, behind, chunk, message, simple

_FOOTER = b"\0S\x78\xc1\x01\0"

_MESSAGES = st.one_of(
    st.builds(
        lambda size, key, host, footer: message(b"x" * size, routing_key=key, headers={"hostname": host}) + footer,
        st.sampled_from([0, 1, 150, 250, 255, 256, 257, 700]),
        st.sampled_from(["task.multi", "worker.heartbeat", "k" * 200]),
        st.sampled_from(["w1", "celery@w2", "h" * 300]),
        st.sampled_from([b"", b"", b"", _FOOTER]),
    ),
    st.binary(max_size=300),
    st.binary(min_size=90, max_size=300).map(lambda noise: message(b"x" * 200)[:95] + noise),
)

WRITTEN = behind(0, 7250)[8:]


@given(st.lists(_MESSAGES, max_size=12), st.integers(0, 5), st.integers(0, 5))
def test_what_is_cut_is_what_an_envelope_opened_alone_holds(messages: list[bytes], offset: int, tag: int) -> None:
    """Whatever the messages, once they were seen: the same bodies and envelopes, tagged and placed one by one."""
    envelopes, found = Envelopes(), list[Delivery]()
    opened = [envelopes.open(data, 0, len(data)) for data in messages]
    part = read_chunk(chunk(0, [simple(data) for data in messages]))
    at, done = part.at, 0
    while done < len(messages):
        count, at = cut(
            part.data, at, len(messages) - done, offset + done, tag + done, 5.0, WRITTEN, envelopes.known, found
        )
        for number, delivery in enumerate(found[len(found) - count :], done):
            envelope, body = opened[number]
            assert delivery == Delivery(
                body,
                envelope.content_type,
                envelope.content_encoding,
                envelope.headers,
                envelope.routing_key,
                received_at=5.0,
                tag=tag + number + 1,
                position=behind(offset + number + 1, 7250),
            )
        done += count
        if done < len(messages):  # none of ours, or with something behind its data
            at += 4 + len(messages[done])
            done += 1
    assert at == len(part.data)


def test_ordinary_messages_are_cut_to_the_last() -> None:
    """Of either length of body; the hot path must not become the slow one unnoticed."""
    data = [message(b"s" * 180), message(b"l" * 400, routing_key="task.received")] * 3
    envelopes = Envelopes()
    for one in data[:2]:
        envelopes.open(one, 0, len(one))
    for one in (message(b"l" * 400), message(b"s" * 180, routing_key="task.received")):
        envelopes.open(one, 0, len(one))
    part, found = read_chunk(chunk(0, [simple(one) for one in data])), list[Delivery]()
    assert cut(part.data, part.at, 6, 0, 0, 0.0, WRITTEN, envelopes.known, found) == (6, len(part.data))
    assert [len(one.body) for one in found] == [180, 400] * 3


def test_it_stops_at_a_batch_and_before_what_is_unknown() -> None:
    """Nothing is added for it."""
    known = message(b"x" * 200)
    envelopes, found = Envelopes(), list[Delivery]()
    envelopes.open(known, 0, len(known))
    for other in (batch([known]), simple(message(b"x" * 200, routing_key="other"))):
        part = read_chunk(chunk(0, [simple(known), other]))
        assert cut(part.data, part.at, 2, 0, 0, 0.0, WRITTEN, envelopes.known, found)[0] == 1
    assert len(found) == 2


def test_an_entry_that_ends_with_the_data_is_an_error() -> None:
    """There is no size of the next one."""
    with pytest.raises((struct.error, IndexError)):
        cut(b"\0", 0, 1, 0, 0, 0.0, WRITTEN, {}, [])
