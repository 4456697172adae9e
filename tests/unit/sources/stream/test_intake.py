"""bridge/sources/stream/intake.py."""

import pytest

from bridge.errors import ConnectError
from bridge.model import Delivery, Gap
from bridge.sources.stream.intake import Intake
from bridge.sources.stream.messages import Single, position_of
from bridge.sources.stream.place import OLDEST, Place
from bridge.testing import FakeClock
from tests.unit.sources.stream.streaming import behind, chunk, message, numbered, simple


class Reading:
    """An intake that begins at an offset, and what it asked for."""

    def __init__(self, offset: int | None = None) -> None:
        self.clock = FakeClock()
        self.changes = self.asked = 0
        self.intake = Intake(100, 10_000, self.clock, changed=self._changed)
        self.intake.ask_oldest = self._ask
        if offset is not None:
            self.intake.begin(Place("offset", offset))
        self.intake.place()

    def _changed(self) -> None:
        self.changes += 1

    def _ask(self) -> None:
        self.asked += 1

    def taken(self) -> list[bytes | Gap]:
        items = self.intake.held.take()
        return [item.body if isinstance(item, Delivery) else item for item in items]


def bodies(first: int, upto: int) -> list[bytes]:
    return [b"%d" % number for number in range(first, upto)]


def test_what_comes_is_held_in_order() -> None:
    """From whatever offset comes first, when none is wanted."""
    reading = Reading()
    assert reading.intake.place() == OLDEST
    reading.intake.chunk(numbered(5, 7), 0)
    reading.intake.chunk(b"x" + numbered(7, 9), 1)
    assert reading.taken() == bodies(5, 9)
    assert reading.changes == 2
    assert reading.intake.place() == Place("offset", 8)


def test_one_message_before_the_wanted_one_is_asked_for_and_dropped() -> None:
    """It proves that the stream is the one we know."""
    reading = Reading(7)
    assert reading.intake.place() == Place("offset", 6)
    reading.intake.chunk(numbered(5, 9), 0)
    assert reading.taken() == bodies(7, 9)


def test_a_lost_connection_repeats_nothing() -> None:
    """Reading goes on behind what was read, settled or not."""
    reading = Reading(0)
    reading.intake.chunk(numbered(0, 5), 0)
    assert reading.intake.place() == Place("offset", 4)
    reading.intake.chunk(numbered(0, 5), 0)
    reading.intake.chunk(numbered(5, 6), 0)
    assert reading.taken() == bodies(0, 6)


def test_what_was_cut_off_is_a_gap() -> None:
    """Where the oldest message lies behind the jump; one of its offsets is the segment's own entry."""
    reading = Reading(7)
    reading.clock.turn(3)
    reading.intake.chunk(numbered(20, 22), 0)
    reading.intake.chunk(numbered(22, 23), 0)
    assert (reading.asked, reading.taken()) == (1, [])
    reading.intake.oldest(20)
    gap, *rest = reading.taken()
    assert isinstance(gap, Gap)
    assert (gap.reason, gap.lost, gap.lost_exact) == ("truncated", 12, False)
    assert gap.position == position_of(20, gap.from_time)
    assert gap.to_time - gap.from_time == 3
    assert rest == bodies(20, 23)


def ago(reading: Reading, seconds: float) -> int:
    """As a chunk says it."""
    return round((reading.clock.now() - seconds) * 1000)


@pytest.mark.parametrize("lag", [3600.0, -5.0])
def test_a_gap_begins_when_that_was_written_which_was_read_last(lag: float) -> None:
    """However far behind we read: what is lost was written after it. But never after our own clock."""
    reading = Reading(7)
    since = reading.clock.now()
    reading.intake.chunk(numbered(6, 9, ago(reading, lag)), 0)
    reading.clock.turn(3)
    reading.intake.chunk(numbered(20, 21, ago(reading, 0)), 0)
    reading.intake.oldest(20)
    _, _, gap, last = reading.intake.held.take()
    assert isinstance(gap, Gap)
    assert (gap.from_time, gap.to_time) == (since - max(lag, 0), since + 3)
    assert gap.position == position_of(20, gap.from_time)
    assert last.position == behind(21, ago(reading, 0))


@pytest.mark.parametrize("written", [0, -1, 2**63 - 1])
def test_where_no_moment_is_known_it_is_that_of_reading(written: int) -> None:
    """So it is over AMQP, and of whatever else a server says."""
    reading = Reading(7)
    reading.clock.turn(3)
    reading.intake.chunk(numbered(6, 9, written), 0)
    reading.clock.turn(3)
    reading.intake.replaced("stream-replaced")
    *_, gap = reading.intake.held.take()
    assert isinstance(gap, Gap)
    assert gap.to_time - gap.from_time == 3


def test_a_gap_at_the_start_begins_with_the_position() -> None:
    """Not with the process that goes on there."""
    reading = Reading()
    since = reading.clock.now() - 500
    reading.intake.begin(Place("offset", 7), whole_until=since)
    reading.intake.place()
    reading.intake.chunk(numbered(20, 21, ago(reading, 0)), 0)
    reading.intake.oldest(20)
    gap, _ = reading.intake.held.take()
    assert isinstance(gap, Gap)
    assert (gap.from_time, gap.to_time) == (since, reading.clock.now())


def test_a_jump_over_what_is_no_message_is_no_gap() -> None:
    """The oldest message lies before it: it is of stored positions, or a segment's own entry. Several jumps in turn."""
    reading = Reading(7)
    for jump in (numbered(6, 8), numbered(9, 10), numbered(12, 13)):
        reading.intake.chunk(jump, 0)
    assert reading.asked == 1
    reading.intake.oldest(0)
    assert reading.asked == 2
    reading.intake.oldest(0)
    assert reading.taken() == [b"7", b"9", b"12"]


def test_a_segment_that_was_cut_off_behind_us_is_no_gap() -> None:
    """Only its successor's own entry lies between what was read and what is kept."""
    reading = Reading(7)
    reading.intake.chunk(numbered(8, 9), 0)
    reading.intake.oldest(8)
    assert reading.taken() == [b"8"]


def test_our_own_stored_positions_need_no_question() -> None:
    """Each explains one offset."""
    reading = Reading(7)
    reading.intake.tracking.stored(position_of(5))
    reading.intake.chunk(numbered(8, 9), 0)
    assert (reading.asked, reading.taken()) == (0, [b"8"])


def test_a_question_that_got_no_answer_is_asked_again() -> None:
    """A lost connection forgets what waited for it: it comes again."""
    reading = Reading(7)
    reading.intake.chunk(numbered(20, 22), 0)
    assert reading.intake.place() == Place("offset", 6)
    reading.intake.oldest(20)
    reading.intake.chunk(numbered(20, 22), 0)
    assert reading.asked == 2


def test_a_stream_that_ends_below_the_position_is_another() -> None:
    """A Gap says so, and all of it is read from the oldest."""
    reading = Reading(100)
    with pytest.raises(ConnectError, match="made it anew"):
        reading.intake.chunk(numbered(3, 5), 0)
    assert reading.intake.place() == OLDEST
    reading.intake.chunk(numbered(0, 2), 0)
    gap, *rest = reading.taken()
    assert isinstance(gap, Gap)
    assert (gap.reason, gap.lost, gap.position) == ("stream-replaced", None, position_of(0, gap.from_time))
    assert rest == bodies(0, 2)


def test_a_stream_that_grew_past_the_position_is_another_too() -> None:
    """The message before the position was written at another moment than the one that we read: all of it is read."""
    reading = Reading()
    reading.intake.begin(Place("offset", 7), written=behind(7, 5000)[8:])
    reading.intake.place()
    with pytest.raises(ConnectError, match="made it anew"):
        reading.intake.chunk(numbered(3, 9, 5001), 0)
    assert reading.intake.place() == OLDEST
    reading.intake.chunk(numbered(0, 2, 4999), 0)
    gap, *rest = reading.taken()
    assert isinstance(gap, Gap)
    assert gap.reason == "stream-replaced"
    assert rest == bodies(0, 2)


def test_a_stream_is_known_again_over_connections() -> None:
    """By the moment of the chunk that was read last, also where that was read in part or is read to its end again."""
    reading = Reading()
    reading.intake.begin(Place("offset", 7), written=behind(7, 5000)[8:])
    reading.intake.place()
    reading.intake.chunk(numbered(3, 9, 5000), 0)
    reading.intake.chunk(numbered(9, 12, 6000), 0)
    reading.intake.place()
    reading.intake.chunk(numbered(9, 12, 6000), 0)
    assert reading.taken() == bodies(7, 12)
    reading.intake.place()
    with pytest.raises(ConnectError, match="made it anew"):
        reading.intake.chunk(numbered(5, 13, 5000), 0)


@pytest.mark.parametrize("first", [7, 20])
def test_where_the_message_before_is_gone_its_moment_proves_nothing(first: int) -> None:
    """It was cut off, or was no message: what comes is read, a gap told where it must be."""
    reading = Reading()
    reading.intake.begin(Place("offset", 7), written=behind(7, 5000)[8:])
    reading.intake.place()
    reading.intake.chunk(numbered(first, 22, 9000), 0)
    reading.intake.oldest(first)
    assert [one for one in reading.taken() if not isinstance(one, Gap)] == bodies(first, 22)
    reading.intake.place()
    reading.intake.chunk(numbered(first, 22, 9000), 0)
    assert reading.taken() == []


def test_a_gap_leaves_no_moment_to_know_the_stream_by() -> None:
    """Behind what could not be read, or was cut off, goes on what comes."""
    reading = Reading(7)
    reading.intake.chunk(numbered(6, 8, 5000), 0)
    broken = chunk(8, [simple(message(b"x"))] * 3, spoilt=True, written_ms=6000)
    with pytest.raises(ConnectError):
        reading.intake.chunk(broken, 0)
    reading.intake.place()
    reading.intake.chunk(numbered(6, 8, 5000), 0)
    reading.intake.chunk(broken, 0)
    reading.intake.place()
    reading.intake.chunk(numbered(8, 12, 7000), 0)
    assert reading.taken()[-1] == b"11"


def test_a_replica_may_lag_behind() -> None:
    """For some seconds what ends below the position is only late; longer, and it is another stream."""
    reading = Reading(100)
    reading.intake.replicated = True
    reading.intake.chunk(numbered(3, 5), 0)
    reading.intake.chunk(numbered(95, 101), 0)
    assert reading.taken() == [b"100"]
    reading = Reading(100)
    reading.intake.replicated = True
    reading.clock.turn(11)
    with pytest.raises(ConnectError):
        reading.intake.chunk(numbered(3, 5), 0)


def test_a_broken_chunk_is_asked_for_twice() -> None:
    """The network may have broken it; what is broken on the broker's disk is a gap with an exact count."""
    broken = chunk(7, [simple(message(b"x"))] * 3, spoilt=True)
    reading = Reading(7)
    with pytest.raises(ConnectError, match="checksum"):
        reading.intake.chunk(broken, 0)
    assert reading.intake.place() == Place("offset", 6)
    reading.intake.chunk(broken, 0)
    reading.intake.chunk(numbered(10, 11), 0)
    gap, *rest = reading.taken()
    assert isinstance(gap, Gap)
    assert (gap.reason, gap.lost, gap.lost_exact) == ("unreadable", 3, True)
    assert rest == [b"10"]
    assert reading.intake.window.items == 1


def test_a_chunk_that_holds_less_than_it_says_is_broken_too() -> None:
    """Its checksum is right, and no tag is wasted on it."""
    lying = chunk(0, [simple(message(b"a"))], messages=2)
    reading = Reading(0)
    with pytest.raises(ConnectError):
        reading.intake.chunk(lying, 0)
    reading.intake.chunk(numbered(0, 2), 0)
    assert [item.tag for item in reading.intake.held.take() if isinstance(item, Delivery)] == [1, 2]


def test_once_stopped_nothing_is_taken() -> None:
    """Neither chunks nor single messages."""
    reading = Reading(0)
    reading.intake.stopped = True
    reading.intake.chunk(numbered(0, 2), 0)
    reading.intake.take(Single(2, Delivery(b"a"), lambda _: None))
    assert reading.taken() == []


def test_single_messages_are_taken_as_chunks_are() -> None:
    """Dropped below, told as a gap above."""
    reading, tags = Reading(7), list[int | None]()
    for offset in (6, 7, 20):
        reading.intake.take(Single(offset, Delivery(b"%d" % offset), tags.append))
    reading.intake.oldest(20)
    first, gap, last = reading.taken()
    assert (first, last) == (b"7", b"20")
    assert isinstance(gap, Gap)
    assert tags == [None, 1, 2]


def test_what_is_settled_moves_the_position_and_makes_room() -> None:
    """In order; the window counts what is not settled."""
    reading = Reading(0)
    reading.intake.chunk(numbered(0, 3), 0)
    taken = [item for item in reading.intake.held.take() if isinstance(item, Delivery)]
    assert (reading.intake.window.items, reading.intake.window.bytes, reading.intake.position) == (3, 3, None)
    reading.intake.settle(taken[:2])
    reading.intake.settle(taken[:2])
    assert (reading.intake.window.items, reading.intake.position, reading.intake.settled) == (1, position_of(2), 2)
