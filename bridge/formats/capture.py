"""A broker message as one line, lossless: what `bridge.sources.lines` reads back."""

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import orjson

from bridge.model import Delivery, Event

# As `json.dumps` with its defaults, which is what a reader makes of `body` again.
_dumps = json.JSONEncoder(check_circular=False).encode
# Readers look at no more objects and lists in a line than twice what decode takes in a body.
_MOST_CONTAINERS = 100_000
# A body above it would double its line's cost for nothing: no event of Celery's comes near.
_PARSED_BYTES = 1024 * 1024
# orjson makes a float of an integer beyond 64 bit, which has 19 digits at least.
_DIGITS = bytes(48 if 48 <= byte <= 57 else 32 for byte in range(256))
_LONG_NUMBER = b"0" * 19

_COMPRESSION = "compression"


def capture(delivery: Delivery) -> bytes:
    """
    The line of one delivery, without the line's end: ASCII, or UTF-8 where the body is.

    Its body stands there as JSON where Python's `json.dumps` would write the same bytes, else as base64. A header that
    JSON has no word for (bytes, a time) is text in it; `tag`, `position` and `redelivered` belong to the connection and
    are left out. Raises nothing. Cost: about 9 us for a body of 1.2 KB.
    """
    body = delivery.body
    told = b'"body": ' + body if _is_its_own_json(body) else b'"body_b64": "' + b64encode(body) + b'"'
    return b"{" + _envelope(delivery, delivery.content_type, delivery.content_encoding, delivery.headers) + told + b"}"


def capture_event(event: Event) -> bytes:
    """The line of one event alone, as if its sender had sent it so: JSON, uncompressed, repaired as decode repairs."""
    delivery = event.delivery
    headers = delivery.headers
    if _COMPRESSION in headers:
        headers = {name: value for name, value in headers.items() if name != _COMPRESSION}
    envelope = _envelope(delivery, "application/json", "utf-8", headers)
    return b"{" + envelope + b'"body": ' + orjson.dumps(event.fields) + b"}"


def _envelope(
    delivery: Delivery, content_type: str | None, content_encoding: str | None, headers: Mapping[str, Any]
) -> bytes:
    """All but the body, each with a comma behind it."""
    said: dict[str, object] = {}
    if content_type is not None:
        said["content_type"] = content_type
    if content_encoding is not None:
        said["content_encoding"] = content_encoding
    if headers:
        said["headers"] = _plain(headers)
    if delivery.routing_key:
        said["delivery_info"] = {"routing_key": delivery.routing_key}
    if delivery.received_at is not None:
        said["t"] = delivery.received_at
    return _dumps(said)[1:-1].encode() + (b", " if said else b"")


def _plain(headers: Mapping[str, Any]) -> dict[str, Any]:
    """The headers, where JSON can hold them all; else those that it cannot as text."""
    try:
        _dumps(headers)
    except (TypeError, ValueError, RecursionError):
        return {str(name): _shown(value) for name, value in headers.items()}
    return dict(headers)


def _shown(value: object) -> object:
    try:
        _dumps(value)
    except (TypeError, ValueError):
        return repr(value)
    except RecursionError:
        return f"a {type(value).__name__}, nested too deeply to be shown"
    return value


def _is_its_own_json(body: bytes) -> bool:
    """Whether who parses the body as JSON and writes it again has the same bytes."""
    if len(body) > _PARSED_BYTES or body.count(b"[") + body.count(b"{") > _MOST_CONTAINERS:
        return False
    try:
        value = json.loads(body.decode()) if _LONG_NUMBER in body.translate(_DIGITS) else _loads(body)
        return _dumps(value).encode() == body
    except (ValueError, RecursionError):  # not JSON, not UTF-8, an integer of more than 4,300 digits
        return False


def _loads(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return json.loads(body.decode())  # NaN, lone surrogates
