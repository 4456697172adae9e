"""Unit tests of bridge.sinks.kafka.culprits."""

from dataclasses import replace

import pytest

from bridge.errors import BlockedError, RecordError, SinkError
from bridge.model import Record
from bridge.sinks.kafka.culprits import Culprits
from bridge.sinks.kafka.refusal import Refusal
from bridge.sinks.kafka.size import size_of
from bridge.testing import FakeClock

LIMIT = 5000


def dead_letter(record: Record, cause: RecordError) -> Record:
    """With the cause as its key."""
    return replace(record, key=str(cause).encode())


def culprits() -> Culprits:
    """Of topic t."""
    return Culprits("t", "t.dlq", dead_letter, lambda _: LIMIT, FakeClock())


def test_culprit_is_replaced_by_its_dead_letter() -> None:
    """Which says why, and goes to the dead letters' topic."""
    letter = culprits().replace("t", Record(b"1", topic="t"), Refusal.RECORD, "refused with X")
    assert (letter.topic, letter.key, letter.value) == ("t.dlq", b"Kafka topic t: refused with X", b"1")


def test_third_culprit_with_one_code_blocks_unless_others_were_taken() -> None:
    """Without a code it is the record's own fault, and never counts."""
    some = culprits()
    for _ in range(5):
        some.replace("t", Record(b""), Refusal.TOO_LARGE, "too large")
    for _ in range(2):
        some.replace("t", Record(b""), Refusal.RECORD, "refused with X", "X")
    with pytest.raises(BlockedError, match="the Kafka topic t takes no records: refused with X"):
        some.replace("t", Record(b""), Refusal.RECORD, "refused with X", "X")
    some.taken("t.dlq")
    with pytest.raises(BlockedError):
        some.replace("t", Record(b""), Refusal.RECORD, "refused with X", "X")
    some.taken("t")
    some.replace("t", Record(b""), Refusal.RECORD, "refused with X", "X")


def test_dead_letter_that_is_refused_is_changed_once_for_each_reason() -> None:
    """Cut, then given the present time; what is refused after that blocks."""
    some = culprits()
    letter = Record(b"x" * 10_000, topic="t.dlq", timestamp_ms=7)
    cut = some.replace("t.dlq", letter, Refusal.TOO_LARGE, "too large")
    assert size_of(cut) <= LIMIT
    timed = some.replace("t.dlq", cut, Refusal.RECORD, "refused with InvalidTimestampError")
    assert timed.timestamp_ms > 7
    for refusal in (Refusal.TOO_LARGE, Refusal.RECORD):
        with pytest.raises(BlockedError, match=r"the Kafka topic t\.dlq does not take a dead letter"):
            some.replace("t.dlq", timed, refusal, "refused")


def test_record_of_another_topic_of_ours_is_never_replaced() -> None:
    """A position is no event."""
    with pytest.raises(BlockedError):
        culprits().replace("t.positions", Record(b"1"), Refusal.TOO_LARGE, "too large")


def test_dead_letter_that_cannot_be_made_ends_the_sink() -> None:
    """It must not be dropped, and trying again would not help."""

    def fail(record: Record, cause: RecordError) -> Record:
        raise KeyError(cause)

    some = Culprits("t", "t.dlq", fail, lambda _: LIMIT, FakeClock())
    with pytest.raises(SinkError, match="could not be made: KeyError"):
        some.replace("t", Record(b"1"), Refusal.RECORD, "refused")


def test_culprit_whose_letter_is_kept_elsewhere_is_replaced_by_nothing() -> None:
    """`dead_letter` has seen to it."""
    some = Culprits("t", "t.dlq", lambda *_: None, lambda _: LIMIT, FakeClock())
    assert some.replace("t", Record(b"1"), Refusal.RECORD, "refused") is None
