"""bridge/sources/stream/messages.py."""

import pytest

from bridge.errors import ConnectError
from bridge.model import Delivery
from bridge.sources.stream.chunk import read_chunk
from bridge.sources.stream.messages import (
    BATCH_TYPE,
    Messages,
    Single,
    moment_of,
    offset_of,
    position_of,
    whole_until,
    written_of,
)
from tests.unit.sources.stream.streaming import batch, behind, chunk, message, numbered, simple


def test_the_messages_of_a_chunk_become_deliveries() -> None:
    """In order, tagged from 1 on over all chunks, each with the position behind it."""
    messages = Messages()
    one, two = messages.read(read_chunk(numbered(7, 9)), 0, 5.0)
    (three,) = messages.read(read_chunk(numbered(20, 21, 5500)), 0, 6.0)
    assert (one.body, two.body, three.body) == (b"7", b"8", b"20")
    assert (one.tag, two.tag, three.tag) == (1, 2, 3)
    assert (one.position, three.position) == (behind(8), behind(21, 5500))
    assert (one.content_type, one.content_encoding, one.routing_key) == ("application/json", "utf-8", "task.multi")
    assert (one.headers, one.received_at, one.redelivered) == ({"hostname": "w1"}, 5.0, False)


def test_what_lies_below_the_wanted_offset_is_dropped() -> None:
    """A chunk begins before the offset that was asked for; nothing is tagged that is not handed out."""
    messages = Messages()
    assert [found.body for found in messages.read(read_chunk(numbered(7, 12)), 10, 0)] == [b"10", b"11"]
    assert messages.read(read_chunk(numbered(7, 12)), 12, 0) == []
    assert messages.handed == 2


def test_all_sizes_of_messages_are_read() -> None:
    """Short and long bodies and envelopes, empty messages, and what is no AMQP at all, each twice."""
    bodies = [b"", b"{}", b"x" * 255, b"y" * 256, b"z" * 70_000]
    entries = [simple(message(body)) for body in bodies] + [simple(b""), simple(b'{"raw": true}'), simple(b"r" * 500)]
    entries += [simple(message(b"h", headers={"k": "v" * 300}))] * 2
    found = Messages().read(read_chunk(chunk(0, entries * 2)), 0, 0)
    expected = [*bodies, b"", b'{"raw": true}', b"r" * 500, b"h", b"h"]
    assert [delivery.body for delivery in found] == expected * 2
    assert [delivery.content_type for delivery in found[5:8]] == [None] * 3


@pytest.mark.parametrize("compression", [0, 1])
def test_batches_are_unpacked(compression: int) -> None:
    """Their messages have offsets of their own, also when some are not wanted, and the chunk's moment."""
    entries = [simple(message(b"0")), batch([message(b"1"), message(b"2"), message(b"3")], compression)]
    data = chunk(0, [*entries, simple(message(b"4"))], messages=5, written_ms=2000)
    found = Messages().read(read_chunk(data), 2, 0)
    assert [(delivery.body, offset_of(delivery.position or b"")) for delivery in found] == [
        (b"2", 3),
        (b"3", 4),
        (b"4", 5),
    ]
    assert [delivery.tag for delivery in found] == [1, 2, 3]
    assert [delivery.position for delivery in found] == [behind(offset, 2000) for offset in (3, 4, 5)]


def test_a_batch_that_cannot_be_undone_is_one_delivery() -> None:
    """Its bytes are kept and its content type is none that is accepted: it becomes a dead letter, not a loss."""
    entry = batch([b"snappy"], 2)
    data = chunk(0, [batch([b"a", b"b"], 4), entry, simple(message(b"x"))], messages=4)
    found = Messages().read(read_chunk(data), 2, 0)
    assert [(one.content_type, one.content_encoding) for one in found] == [
        (BATCH_TYPE, "snappy"),
        ("application/json", "utf-8"),
    ]
    assert found[0].body == entry[11:]
    assert found[0].position == position_of(3)


@pytest.mark.parametrize(
    "data",
    [chunk(0, [b"\0\0\0\x09ab"]), chunk(0, [b"\0"]), chunk(0, [simple(b"a")], messages=2), chunk(0, [b"\x80\0"])],
)
def test_a_chunk_that_does_not_hold_what_it_says_is_refused(data: bytes) -> None:
    """Entries that are cut short, and a wrong count."""
    with pytest.raises(ConnectError):
        Messages().read(read_chunk(data), 0, 0)


def test_a_single_message_is_tagged_or_passed_over() -> None:
    """As it comes over AMQP: who brought it is told its tag."""
    messages, told = Messages(), list[int | None]()
    assert messages.single(Single(4, Delivery(b"a"), told.append), 5, 3.0) == []
    (found,) = messages.single(Single(5, Delivery(b"b"), told.append), 5, 3.0)
    assert told == [None, 1]
    assert (found.tag, found.position) == (1, position_of(6, 3.0))


def test_a_position_is_read_back() -> None:
    """Also one without a moment, as they were once; anything else is no position."""
    position = position_of(2**40, 1795178793.25)
    assert (offset_of(position), whole_until(position), written_of(position)) == (2**40, 1795178793.25, None)
    assert (offset_of(position[:8]), whole_until(position[:8]), written_of(position[:8])) == (2**40, None, None)
    assert whole_until(position_of(7)) is written_of(position_of(7)) is moment_of(b"\xff" * 8) is None
    position = behind(7, 5500)
    assert (offset_of(position), whole_until(position), written_of(position)) == (7, 5.5, position[8:])
    with pytest.raises(ValueError, match="16 bytes"):
        offset_of(b"12")
