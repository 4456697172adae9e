"""Unit tests of bridge.sinks.kafka.batch."""

from typing import Any

import pytest
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given
from hypothesis import strategies as st

from bridge.headers import pack
from bridge.model import Record
from bridge.sinks.kafka.batch import Batch

LATEST = 10**13
CODECS = {None: 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}

HEADERS = st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), st.binary(max_size=70)))
RECORDS = st.builds(
    Record,
    st.binary(max_size=200),
    key=st.none() | st.binary(max_size=80),
    timestamp_ms=st.integers(0, LATEST),
    headers=HEADERS | st.builds(pack, HEADERS),
)


def built(batch: Any, producer: tuple[int, int, int] = (7, 3, 40)) -> bytes:
    batch.close()
    batch._set_producer_state(*producer)
    return bytes(batch._build())


def read(data: bytes) -> list[Any]:
    """Records, by aiokafka's parser, checksums verified."""
    found, batches = [], MemoryRecords(data)
    while (one := batches.next_batch()) is not None:
        assert one.validate_crc()
        found += list(one)
    return found


@given(
    st.lists(
        st.builds(
            Record, st.binary(), key=st.none() | st.binary(), timestamp_ms=st.integers(0, LATEST), headers=HEADERS
        ),
        min_size=1,
    ),
    st.booleans(),
)
def test_a_batch_has_the_bytes_that_aiokafka_makes(records: list[Record], transactional: bool) -> None:
    """Uncompressed, header and checksum included: a broker sees no difference."""
    ours, theirs = (
        Batch(10**7, transactional=transactional),
        BatchBuilder(10**7, 0, is_transactional=int(transactional)),
    )
    assert ours.extend(records, 0, len(records), LATEST)
    for one in records:
        theirs.append(timestamp=one.timestamp_ms, key=one.key, value=one.value, headers=list(one.headers))
    assert (ours.size(), ours.record_count()) == (theirs.size(), theirs.record_count())
    assert built(ours) == built(theirs)


@given(st.sampled_from(list(CODECS)), st.lists(RECORDS, min_size=1, max_size=30))
def test_what_is_written_can_be_read(compression: str | None, records: list[Record]) -> None:
    """With every compression, whatever form the headers came in."""
    batch = Batch(10**7, compression)
    batch.extend(records, 0, len(records), LATEST)
    found = read(built(batch))
    assert [(one.key, one.value, one.timestamp, one.offset) for one in found] == [
        (one.key, one.value, one.timestamp_ms, number) for number, one in enumerate(records)
    ]
    assert [pack(one.headers) for one in found] == [
        one.headers if isinstance(one.headers, bytes) else pack(one.headers) for one in records
    ]


@pytest.mark.parametrize("compression", CODECS)
def test_repetitive_records_are_compressed(compression: str | None) -> None:
    """By the codec that was asked for; its number is in the attributes."""
    batch = Batch(10**7, compression)
    batch.extend([Record(b"celery" * 100)] * 100, 0, 100, LATEST)
    data = built(batch)
    assert (len(data) < 10_000) is (compression is not None)
    assert data[22] & 7 == CODECS[compression]


def test_what_compression_makes_larger_is_sent_as_it_is() -> None:
    """Then the attributes name no codec."""
    batch = Batch(10**7, "zstd")
    batch.extend([Record(b"x")], 0, 1, LATEST)
    assert built(batch)[22] & 7 == 0


def test_a_batch_takes_what_it_holds() -> None:
    """And the first record whatever its size; a piece of a list, in its order."""
    records = [Record(b"%d" % number + b"x" * 400) for number in range(9)]
    batch = Batch(1000)
    assert not batch.extend(records, 3, 9, LATEST)
    assert [one.value[:1] for one in read(built(batch))] == [b"3", b"4"]
    large = Batch(1000)
    assert large.extend([Record(b"x" * 5000)], 0, 1, LATEST)
    assert not large.extend(records, 0, 1, LATEST)
    assert large.size() > 5000


def test_times_that_brokers_refuse_are_moved() -> None:
    """Before 1970 and too far ahead of them."""
    batch = Batch(1000)
    batch.extend([Record(b"", timestamp_ms=time) for time in (5000, -3, 10**15, 7)], 0, 4, 6000)
    assert [one.timestamp for one in read(built(batch))] == [5000, 0, 6000, 7]


@pytest.mark.parametrize("header", [("\ud800", b""), ("a", "text"), (5, b""), ("a",)])
def test_a_record_that_cannot_be_encoded_is_named_by_what_came_before(header: Any) -> None:
    """Those before it are in the batch."""
    batch = Batch(1000)
    with pytest.raises((TypeError, ValueError, AttributeError)):
        batch.extend([Record(b"1"), Record(b"2"), Record(b"", headers=[header]), Record(b"3")], 0, 4, LATEST)
    assert batch.record_count() == 2


def test_a_batch_is_sent_again_as_it_was() -> None:
    """A producer that repeats a batch takes the bytes of the first time."""
    batch = Batch(1000, "zstd")
    batch.extend([Record(b"1")], 0, 1, LATEST)
    first = built(batch)
    assert first == bytes(batch._build())
    assert batch.closed()
