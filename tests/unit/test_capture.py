"""What stands in the pipeline's place with `--format capture`."""

import json
from typing import Any

import pytest

from bridge.capture import Capture
from bridge.encode import LineEncoder
from bridge.model import Delivery, Gap, Poison, Record
from bridge.pipeline import RECORDS_A_SEND, Limit, Transformed
from tests.unit.making import RECEIVED_AT, delivery, native, started


def capturing(**given: Any) -> Capture:
    """To lines."""
    return Capture(encoder=LineEncoder(native(), cluster="c"), cluster="c", **given)


def accounts(batch: Transformed) -> tuple[int, int, int, int]:
    """(received, delivered, dead-lettered, filtered)."""
    tally = batch.tally
    return tally.received, tally.delivered, tally.dead_lettered, tally.filtered


def test_each_delivery_is_one_record_whatever_it_holds() -> None:
    """In order, nothing looked into; deliveries are what is counted."""
    items = [delivery(started(), 7), Delivery(b"nonsense"), Delivery(b"[]")]
    batch = capturing(topic="t").transform(items)
    assert [json.loads(record.value).keys() & {"body", "body_b64"} for record in batch.records] == [
        {"body"}, {"body_b64"}, {"body"},
    ]  # fmt: skip
    assert {(record.topic, record.key) for record in batch.records} == {("t", None)}
    assert batch.records[0].timestamp_ms == int(RECEIVED_AT * 1000)
    assert accounts(batch) == (3, 3, 0, 0)
    assert batch.deliveries == items


def test_split_gives_each_event_its_own_record_and_key() -> None:
    """That of its task, its node, or its cluster; the time is the event's, where it is one."""
    odd = {"type": "x", "timestamp": "noon"}
    batch = capturing(split=True).transform([delivery(started(5.5, "u1"), {**started(), "uuid": None}, odd)])
    assert [record.key for record in batch.records] == [b"u1", started()["hostname"].encode(), b"c"]
    assert [record.index for record in batch.records] == [0, 1, 2]
    assert (batch.records[0].timestamp_ms, batch.records[2].timestamp_ms) == (5500, int(RECEIVED_AT * 1000))
    assert accounts(batch) == (3, 3, 0, 0)


@pytest.mark.parametrize("body", [b'[{"type": "a"}, 7]', b"nonsense", b"7"])
def test_what_cannot_be_split_stays_whole(body: bytes) -> None:
    """Whoever reads it finds what is wrong with it."""
    (record,) = capturing(split=True).transform([Delivery(body)]).records
    assert record.index is None
    assert record.key is None


def test_an_empty_list_is_no_record_when_split() -> None:
    """It holds no event, and is settled."""
    batch = capturing(split=True).transform([Delivery(b"[]")])
    assert (batch.records, len(batch.deliveries), accounts(batch)) == ([], 1, (0, 0, 0, 0))


def test_gaps_are_records_in_their_place() -> None:
    """Outside of the accounts."""
    batch = capturing().transform([Delivery(b"1"), Gap("overflow", 1.0, 2.0), Delivery(b"2", position=b"9")])
    assert json.loads(batch.records[1].value)["type"] == "bridge-gap"
    assert (batch.gaps, batch.position, accounts(batch)) == (1, b"9", (2, 2, 0, 0))


def test_limit_counts_what_is_written() -> None:
    """What is left of the delivery that reaches it counts as filtered, the next one is not touched."""
    one = capturing(split=True, limit=Limit(2))
    batch = one.transform([delivery(started(), started(), started()), delivery(started())])
    assert (batch.taken, accounts(batch), one.done) == (1, (3, 2, 0, 1), True)


def test_a_large_read_goes_in_parts() -> None:
    """As of the pipeline."""
    items = [Delivery(b"1") for _ in range(RECORDS_A_SEND + 10)]
    assert capturing().transform(items).taken == RECORDS_A_SEND


def test_refused_records_have_their_delivery() -> None:
    """The sink's dead letter holds the broker's bytes."""
    (record,) = capturing().transform([Delivery(b"x")]).records
    assert isinstance(record, Record)
    assert record.origin is not None
    assert record.origin.body == b"x"


def test_poison_is_written_whole() -> None:
    """Split or not: nobody looks into it."""
    (record,) = (
        capturing(split=True)
        .transform([Poison(Delivery(b'[{"type":"a"},{"type":"b"}]', "application/json"), 5)])
        .records
    )
    assert record.index is None
