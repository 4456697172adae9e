"""What leaves the bridge: records, gaps and dead letters, as lines and for Kafka."""

import base64
import json

import orjson
import pytest

from bridge.encode import TYPES_KEPT, KafkaEncoder, LineEncoder, indexes_of
from bridge.errors import RecordError
from bridge.formats import Format
from bridge.formats.raw import raw
from bridge.headers import pairs
from bridge.model import Context, Delivery, Event, Failure, Gap
from tests.records import assert_record
from tests.unit.making import RECEIVED_AT, decoded, event, native, started

ID = "01a1f8c8-da73-7ef6-ba9f-34d59022c797"
NOW = "2026-11-20T11:47:55.123Z"
UNKNOWN = Context("", {})
LINES = LineEncoder(native("prod"), cluster="prod")
KAFKA = KafkaEncoder(native("prod"), cluster="prod", topic="celery.events")

BODY = b"\xff\x00 no json"
DELIVERY = Delivery(
    BODY, "application/x-python-serialize", "binary", {"hostname": "w1"}, "task.multi", received_at=RECEIVED_AT
)
FAILED = [Failure("schema", "not of type string", 2, "/uuid", "task-received.json"), Failure("shape", "no object", 5)]


def test_record_for_kafka_has_key_time_and_cloudevents_headers() -> None:
    """Binary mode of the CloudEvents Kafka binding: the value stays the plain record."""
    fields = started(1795178793.2929, uuid="u1")
    record = KAFKA.record(decoded(fields), UNKNOWN, ID, NOW, NOW)

    assert (record.topic, record.key, record.timestamp_ms) == ("celery.events", b"u1", 1795178793292)
    assert pairs(record.headers) == [
        ("content-type", b"application/json"),
        ("ce_specversion", b"1.0"),
        ("ce_type", b"dev.celeryq.task-started"),
        ("ce_source", b"/celery/prod"),
        ("ce_id", ID.encode()),
        ("ce_time", NOW.encode()),
        ("ce_subject", b"u1"),
    ]
    assert_record(record.value)


@pytest.mark.parametrize("content_type", ["application/json", "text/plain; charset=utf-8"])
def test_what_is_no_cloudevent_says_only_what_it_is(content_type: str) -> None:
    """raw, dump and pretty are no CloudEvents; a gap among them is one."""
    encoder = KafkaEncoder(raw, cluster="prod", topic="celery.events", content_type=content_type)
    record = encoder.record(decoded(started(uuid="u1")), UNKNOWN, ID, NOW, NOW)

    assert (pairs(record.headers), record.key) == ([("content-type", content_type.encode())], b"u1")
    assert dict(pairs(encoder.gap(Gap("x", 1.0, 2.0)).headers))["ce_type"] == b"dev.celeryq.bridge-gap"


@pytest.mark.parametrize("format_", [native(), raw])
def test_lines_hold_nothing_that_ends_one_or_steers_a_terminal(format_: Format) -> None:
    """U+2028, U+0085 and U+202E are escaped, for the same value, in records and dead letters, on lines only."""
    nasty = "a\u2028b\x85c\x9b2J\u202ed"
    one = decoded(event("order-paid", 1795178793.5, note=nasty))
    record = LineEncoder(format_, cluster="prod").record(one, UNKNOWN, ID, NOW, NOW)
    letter = LINES.dead_letter(Delivery(b"x", nasty, None, {nasty: nasty}, nasty), FAILED, RECEIVED_AT)

    for line in (record.value.decode(), letter.value.decode()):
        assert line.isprintable()
        assert json.loads(line)
    assert nasty in (json.loads(record.value).get("extra") or json.loads(record.value)).values()
    assert json.loads(letter.value)["headers"] == {nasty: nasty}
    assert nasty in KafkaEncoder(format_, cluster="prod", topic="t").record(one, UNKNOWN, ID, NOW, NOW).value.decode()


@pytest.mark.parametrize(("uuid", "key"), [("u1", b"u1"), (None, b"celery@w1"), ("", b"celery@w1")])
def test_key_is_the_task_else_the_node(uuid: str | None, key: bytes) -> None:
    """Events of one task, and of one worker, stay in order."""
    fields = event("order-paid", 1795178793.5, uuid=uuid)

    assert KAFKA.record(decoded(fields), UNKNOWN, ID, NOW, NOW).key == key


def test_line_is_the_value_alone() -> None:
    """Lines have no key; their origin is still known."""
    one = decoded(started())
    record = LINES.record(one, UNKNOWN, ID, NOW, NOW)

    assert_record(record.value)
    assert (record.key, record.headers, record.origin, record.events) == (None, (), one.delivery, 1)


def test_gap_says_when_why_and_how_much() -> None:
    """The same gap told twice has the same id; it stands outside the accounts."""
    gap = Gap("disconnected", 1795178793.0, 1795178795.25, lost=12, lost_exact=True)
    first, again, line = KAFKA.gap(gap), KAFKA.gap(gap), LINES.gap(gap)

    assert first.value == again.value == line.value
    assert_record(first.value)
    assert json.loads(first.value) | {"event_id": ""} == {
        "event_id": "",
        "type": "bridge-gap",
        "event_time": "2026-11-20T12:46:35.250Z",
        "timestamp": 1795178795.25,
        "observed_time": "2026-11-20T12:46:35.250Z",
        "cluster": "prod",
        "reason": "disconnected",
        "from_time": "2026-11-20T12:46:33.000Z",
        "to_time": "2026-11-20T12:46:35.250Z",
        "lost": 12,
        "lost_exact": True,
    }
    assert (first.events, first.origin, first.key) == (0, None, b"prod")
    assert KAFKA.gap(Gap("disconnected", 1795178793.0, 1795178799.0)).value != first.value


def test_gap_between_whole_seconds_is_the_same_gap() -> None:
    """A source of somebody's own may count in integers: neither the id nor the text of a time depends on it."""
    assert KAFKA.gap(Gap("disconnected", 1795178793, 1795178795)).value == (
        KAFKA.gap(Gap("disconnected", 1795178793.0, 1795178795.0)).value
    )


def test_dead_letter_for_kafka_holds_the_bytes_and_the_reasons() -> None:
    """The value is untouched; Connect's header names and ours say why, and what the delivery carried."""
    letter = KAFKA.dead_letter(DELIVERY, FAILED, RECEIVED_AT)

    assert (letter.value, letter.topic, letter.events) == (BODY, "celery.events.dlq", 2)
    assert dict(letter.headers) == {
        "__connect.errors.connector.name": b"celery-event-bridge",
        "__connect.errors.task.id": b"prod",
        "__connect.errors.stage": b"TRANSFORMATION",
        "__connect.errors.class.name": b"bridge.validate",
        "__connect.errors.exception.class.name": b"schema",
        "__connect.errors.exception.message": b"not of type string",
        "celery.errors.reason": b"schema",
        "celery.errors.indexes": b"[2,5]",
        "celery.errors.path": b"/uuid",
        "celery.errors.schema": b"task-received.json",
        "cluster": b"prod",
        "content_type": b"application/x-python-serialize",
        "content_encoding": b"binary",
        "headers": b'{"hostname":"w1"}',
        "routing_key": b"task.multi",
    }


def test_dead_letter_line_holds_the_bytes_and_the_reasons() -> None:
    """The same as JSON, the bytes in base64."""
    letter = LINES.dead_letter(DELIVERY, FAILED, RECEIVED_AT)
    line = json.loads(letter.value)

    assert_record(letter.value)
    assert base64.b64decode(line.pop("body_b64")) == BODY
    assert line.pop("event_id")
    assert line == {
        "type": "bridge-dead-letter",
        "event_time": "2026-11-20T12:46:40.500Z",
        "observed_time": "2026-11-20T12:46:40.500Z",
        "cluster": "prod",
        "reason": "schema",
        "indexes": [2, 5],
        "error": "not of type string",
        "path": "/uuid",
        "schema": "task-received.json",
        "content_type": "application/x-python-serialize",
        "content_encoding": "binary",
        "headers": {"hostname": "w1"},
        "routing_key": "task.multi",
        "body_bytes": len(BODY),
    }


@pytest.mark.parametrize(
    ("failures", "indexes"),
    [
        ([Failure("decode", "not JSON")], []),
        ([Failure("content-type", "yaml")], []),
        ([Failure("too-large", "9 MiB")], []),
        ([Failure("schema", "x")], [0]),
        ([Failure("shape", "x")], [0]),
        ([Failure("shape", "x", 0), Failure("schema", "x", 3)], [0, 3]),
    ],
)
def test_indexes_are_absent_when_nothing_could_be_indexed(failures: list[Failure], indexes: list[int]) -> None:
    """A single event is at 0; a body that could not be read has none."""
    assert indexes_of(failures) == indexes


@pytest.mark.parametrize(
    "headers",
    [
        {"a": float("nan"), "b": b"\xff", "c": {1, 2}},
        {"a": 2**80},
        {"a": "\ud800", "\udfff": 1},
        {1: 2, None: 3},
        {1: 2**80, None: 3},
        {"a": orjson.loads("[" * 1020 + "]" * 1020)},
    ],
)
def test_headers_that_json_has_no_word_for_make_no_trouble(headers: dict[object, object]) -> None:
    """AMQP headers are typed by whoever sent them: the dead letter is made all the same."""
    delivery = Delivery(BODY, "\ud800", "\ud800", headers, "\ud800", received_at=RECEIVED_AT)  # type: ignore[arg-type]

    assert_record(LINES.dead_letter(delivery, FAILED, RECEIVED_AT).value)
    letter = KAFKA.dead_letter(delivery, FAILED, RECEIVED_AT)
    assert isinstance(json.loads(dict(letter.headers)["headers"]), dict)


@pytest.mark.parametrize("encoder", [LINES, KAFKA])
def test_refused_record_becomes_the_dead_letter_of_its_delivery(encoder: LineEncoder | KafkaEncoder) -> None:
    """What the sink will never take is kept with the broker's bytes and the reason `sink`."""
    one = decoded(started())
    letter = encoder.refused(encoder.record(one, UNKNOWN, ID, NOW, NOW), RecordError("larger than the topic allows"))

    assert letter.events == 1
    assert letter.origin is one.delivery
    if isinstance(encoder, KafkaEncoder):
        assert letter.value == one.delivery.body
        assert dict(letter.headers)["celery.errors.reason"] == b"sink"
    else:
        assert json.loads(letter.value)["reason"] == "sink"


def test_refused_event_of_a_batch_names_its_index() -> None:
    """`dlq replay` must send exactly that event again, not its mates."""
    fields = started()
    one = Event(fields["type"], fields, DELIVERY, 3)
    letter = KAFKA.refused(KAFKA.record(one, UNKNOWN, ID, NOW, NOW), RecordError("too large"))

    assert (letter.value, dict(letter.headers)["celery.errors.indexes"]) == (BODY, b"[3]")


def test_headers_kept_ready_are_bounded() -> None:
    """Types come from users: a million of them must not fill the memory."""
    encoder = KafkaEncoder(native(), cluster="celery", topic="t")
    for number in range(TYPES_KEPT + 10):
        encoder.record(decoded(event(f"custom-{number}", 1795178793.5)), UNKNOWN, ID, NOW, NOW)

    assert len(encoder._types) <= TYPES_KEPT
