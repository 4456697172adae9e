"""Unit tests of bridge.sinks.kafka.streak."""

from bridge.model import Record
from bridge.sinks.kafka.streak import Streak


def test_third_record_refused_alike_in_a_row_blames_the_topic() -> None:
    """And every further one."""
    streak = Streak()
    assert [streak.refused(Record(b"same"), "UnknownError") for _ in range(4)] == [False, False, True, True]


def test_same_record_counts_once() -> None:
    """However often it is tried again; equal records are different ones."""
    streak, record = Streak(), Record(b"1")
    assert not any(streak.refused(record, "UnknownError") for _ in range(5))
    assert not streak.refused(Record(b"1"), "UnknownError")
    assert streak.refused(Record(b"1"), "UnknownError")


def test_another_reason_or_a_record_that_is_taken_begins_anew() -> None:
    """Only the same reason, one after another, is systematic."""
    streak = Streak()
    for _ in range(2):
        assert not streak.refused(Record(b""), "UnknownError")
    assert not streak.refused(Record(b""), "PolicyViolationError")
    assert not streak.refused(Record(b""), "PolicyViolationError")
    streak.broken()
    assert not streak.refused(Record(b""), "PolicyViolationError")
