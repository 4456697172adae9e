"""Unit tests of bridge.sinks.kafka.lane."""

import asyncio

from bridge.model import Record
from bridge.sinks.kafka.batch import Batch
from bridge.sinks.kafka.lane import Lane, Piece
from bridge.sinks.kafka.window import Send
from tests.running import run

LIMIT = 100_000


def lane_of(*sizes: int) -> tuple[Lane, list[Send]]:
    """A lane with one piece of so many records for each size."""
    lane, sends = Lane("t", 0), []
    for size in sizes:
        send = Send(asyncio.get_running_loop().create_future())
        send.pieces = 1
        sends.append(send)
        lane.pieces.append(Piece(send, [Record(b"%d" % n) for n in range(size)], latest_ms=10**13))
    return lane, sends


def batch(size: int = 16_384) -> Batch:
    """An empty batch."""
    return Batch(size)


def load(lane: Lane) -> int:
    """How many records the next batch would take."""
    return lane.load(batch(), LIMIT)


def test_batch_takes_what_waits_over_the_borders_of_sends() -> None:
    """Loading changes nothing: the head of the queue stays until it is confirmed."""

    async def check() -> None:
        lane, sends = lane_of(3, 2)
        assert (load(lane), load(lane)) == (5, 5)
        assert not lane.confirm(2)
        assert [send.pieces for send in sends] == [1, 1]
        assert lane.confirm(2)
        assert [send.pieces for send in sends] == [0, 1]
        assert lane.confirm(1)
        assert not lane.pieces

    run(check())


def test_records_of_a_refused_batch_go_in_halves() -> None:
    """5 together, then 2; when those are taken, twice as many; past the last suspect all that waits."""

    async def check() -> None:
        lane, _ = lane_of(5, 10)
        lane.suspect(5)
        assert load(lane) == 2
        lane.suspect(2)
        assert load(lane) == 1
        lane.confirm(1)
        assert load(lane) == 2
        lane.confirm(2)
        assert load(lane) == 2
        lane.confirm(2)
        assert load(lane) == 10

    run(check())


def test_culprit_leaves_and_the_others_go_on() -> None:
    """Its send keeps its other records."""

    async def check() -> None:
        lane, (send,) = lane_of(3)
        lane.confirm(1)
        assert lane.head()[1].value == b"1"
        assert not lane.drop_head()
        assert lane.head()[1].value == b"2"
        assert send.pieces == 1
        assert lane.drop_head()
        assert send.pieces == 0

    run(check())


def test_amended_record_takes_the_place_of_the_first() -> None:
    """Its send waits for both parts."""

    async def check() -> None:
        lane, (send,) = lane_of(2)
        for value in (b"new", b"newer"):
            lane.amend_head(Record(value))
            assert (lane.head()[1].value, send.pieces) == (value, 2)
        assert not lane.confirm(1)
        assert lane.head()[1].value == b"1"
        assert lane.confirm(1)

    run(check())


def test_many_refused_together_go_in_eighths() -> None:
    """Each refusal may cost a producer, a batch of few records costs next to nothing."""

    async def check() -> None:
        lane, _ = lane_of(80)
        lane.suspect(80)
        assert load(lane) == 10

    run(check())


def test_what_was_taken_before_a_refusal_goes_together_when_it_is_sent_again() -> None:
    """A transaction that is given up is written from its beginning; what was learnt of its records is still known."""

    async def check() -> None:
        lane, (send,) = lane_of(8)
        pieces = list(lane.pieces)
        lane.suspect(8)
        lane.confirm(4)
        lane.suspect(4)
        lane.rewind()
        assert not lane.pieces
        pieces[0].start = 0
        lane.pieces.extend(pieces)
        assert load(lane) == 4
        lane.confirm(4)
        assert load(lane) == 2
        lane.keep()
        assert load(lane) == 4
        assert send.pieces == 1

    run(check())


def test_culprit_that_left_is_not_among_what_goes_together_again() -> None:
    """Its place is taken by the next suspect, which may be the next culprit."""

    async def check() -> None:
        lane, _ = lane_of(8)
        pieces = list(lane.pieces)
        lane.suspect(8)
        lane.confirm(4)
        lane.drop_head()
        lane.rewind()
        assert lane.searching
        del pieces[0].records[4]
        pieces[0].start = 0
        lane.pieces.extend(pieces)
        assert load(lane) == 4

    run(check())


def test_record_larger_than_its_topic_takes_is_not_loaded() -> None:
    """It would make the broker refuse the whole batch."""

    async def check() -> None:
        lane, _ = lane_of(1)
        lane.pieces[0].records[0] = Record(b"x" * LIMIT)
        assert lane.load(batch(), LIMIT) == 0
        assert lane.load(batch(), LIMIT + 1000) == 1  # the first of a batch may be larger than the batch's size

    run(check())


def test_strikes_are_counted_over_what_has_to_be_written_again() -> None:
    """In a transaction those before the record are written once more for each attempt; another record begins anew."""

    async def check() -> None:
        lane, _ = lane_of(3)
        pieces = list(lane.pieces)
        for expected in (1, 2, 3):
            assert not lane.confirm(1)
            assert lane.strike() == expected
            lane.rewind()
            pieces[0].start = 0
            lane.pieces.extend(pieces)
        lane.confirm(2)
        assert lane.strike() == 1

    run(check())
