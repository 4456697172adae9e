"""One dead letter: a message of a `.dlq` topic, or a line of type `bridge-dead-letter`; `encode` wrote either."""

from binascii import a2b_base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from bridge.model import Delivery, Header

LINE_TYPE = "bridge-dead-letter"


@dataclass(slots=True)
class Letter:
    """What a dead letter says. `delivery` is what the broker delivered, as far as it was kept."""

    where: str
    """Its place, for people: `topic-partition@offset`, or `line N`."""
    cluster: str
    reason: str
    error: str
    path: str
    schema: str
    indexes: tuple[int, ...]
    """Which events of its list failed; none: the whole body."""
    at: float | None
    """When it was read from the broker, in seconds since the epoch, UTC, as far as is known."""
    delivery: Delivery
    body_bytes: int
    """How long the body was; more than is kept when it was cut, because its topic takes no more."""

    @property
    def is_whole(self) -> bool:
        """Whether the body is all there."""
        return self.body_bytes == len(self.delivery.body)

    @property
    def events(self) -> int:
        """How many events failed: a body that could not be read counts one."""
        return len(self.indexes) or 1


def from_message(value: bytes, headers: Sequence[Header], timestamp_ms: int, where: str) -> Letter | None:
    """
    The letter that a message of a Kafka topic is; None when it has no `celery.errors.reason`.

    Of a header that occurs twice the last counts. Raises nothing, whatever the headers hold.
    """
    said = {name: value or b"" for name, value in headers}
    if "celery.errors.reason" not in said:
        return None

    def text(name: str) -> str:
        return said.get(name, b"").decode("utf-8", "replace")

    at = timestamp_ms / 1000 if timestamp_ms > 0 else None
    length = text("celery.errors.body_bytes")
    return Letter(
        where=where,
        cluster=text("cluster"),
        reason=text("celery.errors.reason"),
        error=text("__connect.errors.exception.message"),
        path=text("celery.errors.path"),
        schema=text("celery.errors.schema"),
        indexes=_indexes(_json(said.get("celery.errors.indexes"))),
        at=at,
        delivery=Delivery(
            value,
            text("content_type") or None,
            text("content_encoding") or None,
            _object(_json(said.get("headers"))),
            text("routing_key"),
            received_at=at,
        ),
        body_bytes=int(length) if length.isdecimal() and len(length) < 16 else len(value),
    )


def from_line(line: bytes, where: str) -> Letter | None:
    """The letter that a line of stdout or a file is; None when it is anything else. Raises nothing."""
    said = _object(_json(line))
    if said.get("type") != LINE_TYPE:
        return None
    try:
        body = a2b_base64(said["body_b64"], strict_mode=True)
    except (KeyError, TypeError, ValueError):
        return None

    def text(name: str) -> str:
        value = said.get(name)
        return value if isinstance(value, str) else ""

    at = _seconds(text("observed_time"))
    return Letter(
        where=where,
        cluster=text("cluster"),
        reason=text("reason"),
        error=text("error"),
        path=text("path"),
        schema=text("schema"),
        indexes=_indexes(said.get("indexes")),
        at=at,
        delivery=Delivery(
            body,
            text("content_type") or None,
            text("content_encoding") or None,
            _object(said.get("headers")),
            text("routing_key"),
            received_at=at,
        ),
        body_bytes=len(body),
    )


def _json(text: bytes | None) -> Any:
    try:
        return None if text is None else orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _indexes(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(type(index) is int and index >= 0 for index in value):
        return ()
    return tuple(value)


def _seconds(instant: str) -> float | None:
    try:
        return datetime.fromisoformat(instant).timestamp()
    except (ValueError, OverflowError):
        return None
