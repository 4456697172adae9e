"""Unit tests of bridge.sinks.kafka.size."""

import hashlib

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import Record
from bridge.sinks.kafka.size import BODY_BYTES, BODY_SHA256, KEPT_BYTES, cut, size_of

VALUE = bytes(range(256)) * 4000


def test_size_is_that_of_the_batch_kafka_gets() -> None:
    """Never less than the batch that aiokafka builds, and at most 31 bytes and 10 per header more."""
    for record in (Record(b""), Record(VALUE, key=b"k"), Record(b"v", key=b"k", headers=[("a", b"1"), ("ü", b"")])):
        builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, 0, 10**7)
        builder.append(0, timestamp=0, key=record.key, value=record.value, headers=list(record.headers))
        assert 0 <= size_of(record) - builder.size() <= 31 + 10 * len(record.headers)


def test_dead_letter_that_fits_is_left_alone() -> None:
    """Only what cannot be held is cut."""
    record = Record(VALUE)
    assert cut(record, size_of(record)) is record


def test_dead_letter_that_does_not_fit_says_what_it_was() -> None:
    """64 KiB of the body, its length and its digest; the rest as it was."""
    record = Record(VALUE, topic="t.dlq", key=b"k", timestamp_ms=5, headers=[("celery.errors.reason", b"x")], events=3)
    found = cut(record, 1_000_000)
    assert found.value == VALUE[:KEPT_BYTES]
    assert dict(found.headers) == {
        "celery.errors.reason": b"x",
        BODY_BYTES: b"1024000",
        BODY_SHA256: hashlib.sha256(VALUE).hexdigest().encode(),
    }
    assert (found.topic, found.key, found.timestamp_ms, found.events) == ("t.dlq", b"k", 5, 3)
    assert record.value is VALUE  # the record itself is nobody's to change
    assert len(record.headers) == 1


def test_smaller_topic_gets_less_of_the_body() -> None:
    """As much as there is room for."""
    found = cut(Record(VALUE, key=b"k"), 5000)
    assert 4500 < len(found.value) < 5000
    assert size_of(found) <= 5000


def test_headers_that_are_too_large_are_cut_to_the_reason() -> None:
    """What the delivery carried goes first, then the key."""
    headers = [("celery.errors.reason", b"schema"), ("x-custom", b"h" * 10_000)]
    found = cut(Record(VALUE, key=b"k" * 9000, headers=headers), 5000)
    assert found.key is None
    assert "x-custom" not in dict(found.headers)
    assert dict(found.headers)["celery.errors.reason"] == b"schema"
    assert size_of(found) <= 5000


@given(
    value=st.binary(max_size=4000),
    key=st.none() | st.binary(max_size=3000),
    headers=st.lists(
        st.tuples(st.sampled_from(["celery.errors.reason", "x", BODY_BYTES]), st.binary(max_size=2000)), max_size=2
    ),
    limit=st.integers(min_value=2600, max_value=6000),
)
def test_cut_always_fits(value: bytes, key: bytes | None, headers: list[tuple[str, bytes]], limit: int) -> None:
    """Whatever made it too large."""
    assert size_of(cut(Record(value, key=key, headers=headers), limit)) <= limit


@pytest.mark.parametrize("limit", [0, 100])
def test_absurd_limit_keeps_the_digest(limit: int) -> None:
    """A topic that holds nothing gets no body; it refuses that too, but nothing breaks here."""
    found = cut(Record(VALUE), limit)
    assert found.value == b""
    assert BODY_SHA256 in dict(found.headers)
