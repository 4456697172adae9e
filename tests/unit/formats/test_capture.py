"""A broker message as one line."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from bridge.formats.capture import capture, capture_event
from bridge.model import Delivery, Event


def test_a_body_as_celery_writes_it_stays_readable() -> None:
    """JSON in JSON, its bytes as they are."""
    body = b'{"type": "task-sent", "n": [1.5, null]}'
    line = capture(Delivery(body, "application/json", "utf-8", {"a": 1}, "task.multi", received_at=5.25))
    assert line == (
        b'{"content_type": "application/json", "content_encoding": "utf-8", "headers": {"a": 1}, '
        b'"delivery_info": {"routing_key": "task.multi"}, "t": 5.25, "body": ' + body + b"}"
    )


@pytest.mark.parametrize(
    "body",
    [b"", b"nonsense", b'{"a":1}', b'{"a": 1, "a": 2}', b"1e5", b"\xff", b"[" * 2000, b"9" * 5000, b'"\xc3\xa9"'],
)
def test_any_other_body_is_base64(body: bytes) -> None:
    """What would not come back byte for byte, or not at all."""
    assert b'"body_b64"' in capture(Delivery(body))


@pytest.mark.parametrize("body", [b"NaN", b'"\\ud800"', b"[123456789012345678901234567890]", b'"\\u00e9"'])
def test_what_only_python_writes_is_json_too(body: bytes) -> None:
    """Readers parse it as Python does."""
    assert b'"body": ' + body in capture(Delivery(body))


def test_headers_that_json_cannot_hold_are_text() -> None:
    """The others stay what they are; nothing is raised."""
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    headers = {"when": datetime(2026, 1, 1, tzinfo=UTC), "n": Decimal(1), "raw": b"x", "deep": deep, "good": [1]}
    said = json.loads(capture(Delivery(b"1", headers=headers)))["headers"]
    assert said["good"] == [1]
    assert said["raw"] == "b'x'"
    assert said["n"] == "Decimal('1')"
    assert "nested too deeply" in said["deep"]


def test_an_event_alone_is_json_without_compression() -> None:
    """As if it had been sent so."""
    delivery = Delivery(b"...", "x", "utf-16", {"compression": "zlib", "a": 1}, received_at=1.0)
    said = json.loads(capture_event(Event("t", {"type": "t"}, delivery, 3)))
    assert said == {
        "content_type": "application/json", "content_encoding": "utf-8", "headers": {"a": 1}, "t": 1.0,
        "body": {"type": "t"},
    }  # fmt: skip
