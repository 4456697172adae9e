"""Unit tests of bridge.sinks.kafka.refusal."""

import pytest
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    CorruptRecordException,
    InvalidTimestampError,
    KafkaError,
    LeaderNotAvailableError,
    MessageSizeTooLargeError,
    NotLeaderForPartitionError,
    OutOfOrderSequenceNumber,
    PolicyViolationError,
    ProducerFenced,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownError,
    UnknownProducerId,
    for_code,
)

from bridge.sinks.kafka.refusal import Refusal, judge


@pytest.mark.parametrize(
    ("error", "refusal"),
    [
        (MessageSizeTooLargeError, Refusal.TOO_LARGE),
        (RecordListTooLargeError, Refusal.TOO_LARGE),
        (InvalidTimestampError, Refusal.RECORD),
        (PolicyViolationError, Refusal.RECORD),
        (CorruptRecordException, Refusal.PERHAPS_RECORD),
        (UnknownError, Refusal.PERHAPS_RECORD),
        (TopicAuthorizationFailedError, Refusal.DENIED),
        (ClusterAuthorizationFailedError, Refusal.DENIED),
        (OutOfOrderSequenceNumber, Refusal.BROKEN),
        (UnknownProducerId, Refusal.BROKEN),
        (ProducerFenced, Refusal.BROKEN),
        (LeaderNotAvailableError, Refusal.BROKEN),
        (NotLeaderForPartitionError, Refusal.BROKEN),
        (KafkaError, Refusal.BROKEN),
        (AssertionError, Refusal.BROKEN),
    ],
)
def test_error_says_whose_fault_it_is(error: type[Exception], refusal: Refusal) -> None:
    """A record is only blamed for what the broker says of a record."""
    assert judge(error()) is refusal


def test_code_that_aiokafka_does_not_know_may_be_the_records_fault() -> None:
    """87, INVALID_RECORD, is one: a compacted topic refuses a record without a key so."""
    assert judge(for_code(87)()) is Refusal.PERHAPS_RECORD
