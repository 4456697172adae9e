"""One dead letter, read back from what `encode` wrote."""

from typing import Any

import orjson
import pytest

from bridge.encode import KafkaEncoder, LineEncoder
from bridge.letters import Letter, from_line, from_message
from bridge.model import Delivery, Failure
from tests.unit.making import RECEIVED_AT, native

FAILURES = [Failure("schema", "not of type string", 1, "/uuid", "task-sent.json"), Failure("shape", "not an object", 3)]
DELIVERY = Delivery(
    b"[1, 2, \xff, 4]", "application/json", "utf-8", {"tenant": "blue", "n": 7}, "task.multi", received_at=RECEIVED_AT
)


def by_kafka(delivery: Delivery, failures: list[Failure]) -> Letter:
    """Written for a topic, and read back."""
    record = KafkaEncoder(native(), cluster="prod", topic="t").dead_letter(delivery, failures, RECEIVED_AT)
    letter = from_message(record.value, record.headers, record.timestamp_ms, "t.dlq-0@7")
    assert letter is not None
    return letter


def by_line(delivery: Delivery, failures: list[Failure]) -> Letter:
    """Written as a line, and read back."""
    record = LineEncoder(native(), cluster="prod").dead_letter(delivery, failures, RECEIVED_AT)
    letter = from_line(record.value, "line 3")
    assert letter is not None
    return letter


@pytest.mark.parametrize(("way", "where"), [(by_kafka, "t.dlq-0@7"), (by_line, "line 3")])
def test_what_was_written_is_read(way: Any, where: str) -> None:
    """The reason, and the delivery as the broker gave it."""
    letter = way(DELIVERY, FAILURES)
    assert (letter.where, letter.cluster, letter.at) == (where, "prod", RECEIVED_AT)
    assert (letter.reason, letter.error, letter.path) == ("schema", "not of type string", "/uuid")
    assert (letter.schema, letter.indexes, letter.events) == ("task-sent.json", (1, 3), 2)
    assert letter.delivery == DELIVERY
    assert letter.is_whole


@pytest.mark.parametrize("way", [by_kafka, by_line])
def test_a_body_that_is_no_list_has_no_indexes(way: Any) -> None:
    """It counts one event; what a delivery lacks is missing again."""
    letter = way(Delivery(b"nonsense", received_at=RECEIVED_AT), [Failure("decode", "not JSON")])
    assert (letter.indexes, letter.events) == ((), 1)
    assert letter.delivery == Delivery(b"nonsense", received_at=RECEIVED_AT)


def test_a_cut_body_is_known() -> None:
    """The topic could not hold it: the header says how long it was."""
    headers = [("celery.errors.reason", b"sink"), ("celery.errors.body_bytes", b"9")]
    letter = from_message(b"12345", headers, 1, "x")
    assert letter is not None
    assert (letter.is_whole, letter.body_bytes) == (False, 9)


@pytest.mark.parametrize(
    "line", [b"", b"{", b"[]", b'{"type": "task-sent"}', b'{"type": "bridge-dead-letter", "body_b64": 5}',
             b'{"type": "bridge-dead-letter"}', b'{"type": "bridge-dead-letter", "body_b64": "%"}']
)  # fmt: skip
def test_other_lines_are_none(line: bytes) -> None:
    """Records stand among them, and whatever else a file holds."""
    assert from_line(line, "x") is None


def test_other_messages_are_none() -> None:
    """Whoever else writes to the topic."""
    assert from_message(b"x", [("a", b"b")], 1, "x") is None


def test_headers_of_any_kind_are_read() -> None:
    """Anybody may write to a topic: what is of no use counts as absent."""
    headers = [
        ("celery.errors.reason", b"\xff"),
        ("celery.errors.indexes", b"[1, -2]"),
        ("celery.errors.body_bytes", b"many"),
        ("headers", b"[1]"),
        ("content_type", None),
    ]
    letter = from_message(b"x", headers, -1, "x")  # type: ignore[arg-type]
    assert letter is not None
    assert (letter.indexes, letter.at, letter.delivery.headers, letter.is_whole) == ((), None, {}, True)
    assert letter.delivery.content_type is None
    line = {"type": "bridge-dead-letter", "body_b64": "eA==", "observed_time": "noon", "cluster": 5, "indexes": [True]}
    letter = from_line(orjson.dumps(line), "x")
    assert letter is not None
    assert (letter.at, letter.cluster, letter.indexes) == (None, "", ())
