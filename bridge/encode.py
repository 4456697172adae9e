"""Stage: what leaves the bridge. An event, a gap or a dead letter becomes a Record, for Kafka or as a line."""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import orjson

from bridge import fast
from bridge.clock import iso_ms
from bridge.errors import RecordError
from bridge.formats import Format
from bridge.formats.escape import escape_json
from bridge.formats.native import bound, written
from bridge.headers import pack, packed_header, start_of_header, varint
from bridge.identify import made_id
from bridge.model import Context, Delivery, Event, Failure, Gap, Header, Record
from bridge.names import TIMESTAMP, UUID

_joined: Final = fast.joined  # a constant: see bridge.formats.native

CONNECTOR: Final = b"celery-event-bridge"

STAGES: Final = {"schema": b"TRANSFORMATION", "sink": b"TASK_PUT", "poison": b"TASK_PUT"}
"""Kafka Connect's names (org.apache.kafka.connect.runtime.errors.Stage); all other reasons are about conversion."""

_ID_SIZE: Final = 36
_TIME_SIZE: Final = 24
_ID: Final = start_of_header("ce_id") + varint(_ID_SIZE)
_TIME: Final = start_of_header("ce_time") + varint(_TIME_SIZE)
_SUBJECT: Final = start_of_header("ce_subject")

TYPES_KEPT: Final = 1024
"""Event types whose header is kept ready; types come from users, so they are bounded."""

SINGLE_EVENT: Final = ("shape", "schema", "sink")
"""Reasons that are about an event and not about a body: a body that is one object has it at index 0."""


def indexes_of(failures: Sequence[Failure]) -> list[int]:
    """Which events of a delivery failed, 0 for the only one; empty when nothing could be told apart."""
    return [
        failure.index if failure.index is not None else 0
        for failure in failures
        if failure.index is not None or failure.reason in SINGLE_EVENT
    ]


class LineEncoder:
    """
    Encodes for stdout and files, where a record is a line and a dead letter is a line of type `bridge-dead-letter`.

    Not thread-safe, belongs to one chain (a format may remember what it wrote).

    Args:
        gap: writes a gap where people read along; else it is a `bridge-gap` record as JSON.
    """

    def __init__(self, format_: Format, *, cluster: str, gap: Callable[[Gap], bytes] | None = None) -> None:
        self._format = format_
        self._write = bound(format_)
        self._cluster = cluster
        self._gap = gap

    def record(self, event: Event, context: Context, event_id: str, event_time: str, observed_time: str) -> Record:
        """The record of one valid event."""
        value = written(self._write, event, context, event_id, event_time, observed_time)
        if not value.isascii():  # texts are escaped by their formats: there it changes nothing
            value = escape_json(value)
        return Record(value, "", None, 0, (), event.delivery, 1, event.index)  # by position: half the cost

    def gap(self, gap: Gap) -> Record:
        """The `bridge-gap` record: events were lost before us, between two moments."""
        return Record(self._gap(gap) if self._gap else gap_document(gap, self._cluster)[1], events=0)

    def dead_letter(self, delivery: Delivery, failures: Sequence[Failure], observed_at: float) -> Record:
        """One line with the reason and the broker's bytes, for all that failed of one delivery."""
        line = escape_json(dead_letter_line(delivery, failures, observed_at, self._cluster))
        return Record(line, origin=delivery, events=len(failures))

    def refused(self, record: Record, error: RecordError) -> Record:
        """The dead letter of a record that the sink refuses for ever."""
        delivery = record.origin or Delivery(record.value)
        failure = Failure("sink", str(error), record.index)
        letter = self.dead_letter(delivery, [failure], delivery.received_at or 0)
        letter.events = record.events
        return letter


class KafkaEncoder:
    """
    Encodes for Kafka: key, CreateTime and CloudEvents headers (binary mode) beside the value; dead letters to `.dlq`.

    The key is the task's uuid, else the node name, else the cluster's label, so that the events of one task, and of
    one worker, stay in order.

    Args:
        content_type: of what `format_` writes, where that is no CloudEvent: then it is all that the headers say. A
            `bridge-gap` is JSON and a CloudEvent whatever the format.
        dead_letter_topic: empty: that of the records, with `.dlq` behind it.
    """

    def __init__(
        self,
        format_: Format,
        *,
        cluster: str,
        topic: str,
        dead_letter_topic: str = "",
        content_type: str | None = None,
    ) -> None:
        self._format = format_
        self._write = bound(format_)
        self._plain = pack([("content-type", content_type.encode())]) if content_type else b""
        self._cluster = cluster
        self._topic = topic
        self._dead_letter_topic = dead_letter_topic or f"{topic}.dlq"
        self._types: dict[str, bytes] = {}

    def record(self, event: Event, context: Context, event_id: str, event_time: str, observed_time: str) -> Record:
        """The record of one valid event."""
        fields = event.fields
        value = written(self._write, event, context, event_id, event_time, observed_time)
        subject = fields.get(UUID)
        if type(subject) is not str or not subject:
            subject = str(fields.get("hostname") or self._cluster)
        key = subject.encode()
        if len(event_id) + len(event_time) != _ID_SIZE + _TIME_SIZE:  # then no reader could take the record apart
            raise ValueError("an id of 36 characters and a time of 24 are wanted")
        headers = self._plain or _headers(
            self._types.get(event.type) or self._of_type(event.type), event_id, event_time, key
        )
        at: float = fields[TIMESTAMP]
        return Record(value, self._topic, key, int(at * 1000), headers, event.delivery, 1, event.index)

    def gap(self, gap: Gap) -> Record:
        """The `bridge-gap` record: events were lost before us, between two moments."""
        event_id, value = gap_document(gap, self._cluster)
        key = self._cluster.encode()
        head, time = self._types.get("bridge-gap") or self._of_type("bridge-gap"), iso_ms(gap.to_time)
        headers = _headers(head, event_id, time, key)
        return Record(value, self._topic, key, int(gap.to_time * 1000), headers, events=0)

    def dead_letter(self, delivery: Delivery, failures: Sequence[Failure], observed_at: float) -> Record:
        """The broker's bytes, untouched; the headers say why they are here and what is needed to send them again."""
        headers = dead_letter_headers(delivery, failures, self._cluster)
        at = int(observed_at * 1000)
        return Record(delivery.body, self._dead_letter_topic, None, at, headers, delivery, len(failures))

    def refused(self, record: Record, error: RecordError) -> Record:
        """The dead letter of a record that the sink refuses for ever: its delivery's bytes, or its own without one."""
        delivery = record.origin or Delivery(record.value)
        letter = self.dead_letter(delivery, [Failure("sink", str(error), record.index)], record.timestamp_ms / 1000)
        letter.events = record.events
        return letter

    def _of_type(self, event_type: str) -> bytes:
        """The headers that depend on the type only (CloudEvents 1.0.2, Kafka, binary mode), and _ID."""
        if len(self._types) >= TYPES_KEPT:
            self._types.clear()
        headers = [
            ("content-type", b"application/json"),
            ("ce_specversion", b"1.0"),
            ("ce_type", f"dev.celeryq.{event_type}".encode()),
            ("ce_source", f"/celery/{self._cluster}".encode()),
        ]
        packed = b"".join([varint(len(headers) + 3), *(packed_header(*one) for one in headers), _ID])
        self._types[event_type] = packed
        return packed


class Encoder(Protocol):
    """What a pipeline writes with; one of the above, or what composes them."""

    @property
    def record(self) -> "Callable[[Event, Context, str, str, str], Record]":
        """The record of an event: it, its context, its id, its time and when it was observed, as records show them."""
        ...

    @property
    def gap(self) -> "Callable[[Gap], Record]":
        """The record of a gap."""
        ...

    @property
    def dead_letter(self) -> "Callable[[Delivery, Sequence[Failure], float], Record]":
        """What is kept of a delivery of which 1..n things failed; observed at, in seconds since the epoch."""
        ...

    @property
    def refused(self) -> "Callable[[Record, RecordError], Record]":
        """The dead letter of a record that the sink refuses for ever."""
        ...


def _headers(of_type: bytes, event_id: str, event_time: str, subject: bytes) -> bytes:
    """Those of a record, packed: the sink would have to take pairs apart again."""
    return _joined(of_type, event_id, _TIME, event_time, _SUBJECT, varint(len(subject)), subject)


def gap_document(gap: Gap, cluster: str) -> tuple[str, bytes]:
    """Id and JSON of a gap. The id is made of what the gap is about, so a gap that is told twice has it twice."""
    text = f"{gap.reason} {float(gap.from_time)!r}"  # 5 is 5.0, also where nothing was compiled
    event_id = made_id(gap.to_time, "bridge-gap", cluster, text, "" if gap.position is None else gap.position.hex())
    document: dict[str, object] = {
        "event_id": event_id,
        "type": "bridge-gap",
        "event_time": iso_ms(gap.to_time),
        "timestamp": float(gap.to_time),
        "observed_time": iso_ms(gap.to_time),
        "cluster": cluster,
        "reason": gap.reason,
        "from_time": iso_ms(gap.from_time),
        "to_time": iso_ms(gap.to_time),
    }
    if gap.lost is not None:
        document |= {"lost": gap.lost, "lost_exact": gap.lost_exact}
    return event_id, orjson.dumps(document)


def dead_letter_line(delivery: Delivery, failures: Sequence[Failure], observed_at: float, cluster: str) -> bytes:
    """A delivery that holds anything wrong, as one JSON line; absent fields are left out."""
    first, at = failures[0], iso_ms(observed_at)
    body = base64.b64encode(delivery.body).decode()
    document = {
        "event_id": made_id(observed_at, "bridge-dead-letter", cluster, whole(delivery.routing_key), body),
        "type": "bridge-dead-letter",
        "event_time": at,
        "observed_time": at,
        "cluster": cluster,
        "reason": first.reason,
        "indexes": indexes_of(failures) or None,
        "error": first.error,
        "path": first.path or None,
        "schema": first.schema or None,
        "content_type": delivery.content_type and whole(delivery.content_type),
        "content_encoding": delivery.content_encoding and whole(delivery.content_encoding),
        "headers": orjson.Fragment(header_json(delivery.headers)),
        "routing_key": whole(delivery.routing_key) or None,
        "body_b64": body,
        "body_bytes": len(delivery.body),
    }
    return orjson.dumps({name: value for name, value in document.items() if value is not None})


def dead_letter_headers(delivery: Delivery, failures: Sequence[Failure], cluster: str) -> list[Header]:
    """Kafka Connect's header names, which users' tools know, ours beside them, and what the delivery carried."""
    first, indexes = failures[0], indexes_of(failures)
    module = {"sink": b"bridge.sinks.kafka", "schema": b"bridge.validate"}.get(first.reason, b"bridge.decode")
    headers: list[Header] = [
        ("__connect.errors.connector.name", CONNECTOR),
        ("__connect.errors.task.id", cluster.encode()),
        ("__connect.errors.stage", STAGES.get(first.reason, b"VALUE_CONVERTER")),
        ("__connect.errors.class.name", module),
        ("__connect.errors.exception.class.name", first.reason.encode()),
        ("__connect.errors.exception.message", first.error.encode()),
        ("celery.errors.reason", first.reason.encode()),
    ]
    optional = (
        ("celery.errors.indexes", orjson.dumps(indexes) if indexes else None),
        ("celery.errors.path", first.path.encode()),
        ("celery.errors.schema", first.schema.encode()),
        ("cluster", cluster.encode()),
        ("content_type", whole(delivery.content_type or "").encode()),
        ("content_encoding", whole(delivery.content_encoding or "").encode()),
        ("headers", header_json(delivery.headers)),
        ("routing_key", whole(delivery.routing_key).encode()),
    )
    headers += [(name, value) for name, value in optional if value]
    return headers


def header_json(headers: Mapping[Any, object]) -> bytes:
    """
    A delivery's headers as JSON; what JSON has no word for (they come from a broker) is written as its repr, a name
    that is no text as its text.
    """
    try:
        return orjson.dumps(dict(headers), default=repr, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # an integer beyond 64 bit, a lone surrogate, nesting beyond 254
        return orjson.dumps({whole(str(name)): _shown(value) for name, value in headers.items()})


def _shown(value: object) -> str:
    try:
        return whole(repr(value))
    except RecursionError:  # orjson reads 1,024 levels, Python shows about as many as its stack has left
        return f"a {type(value).__name__}, nested too deeply to be shown"


def whole(text: str) -> str:
    """Text that has a UTF-8 form: py-amqp lets lone surrogates through (`surrogatepass`), they show as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()
