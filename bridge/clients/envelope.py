"""
Kombu's own envelope around a message, on transports that are no AMQP: taken off without ever decoding the body.

    {"body": "<base64>", "content-type", "content-encoding", "headers": {}, "properties": {"body_encoding": "base64",
     "delivery_tag", "delivery_info": {"exchange", "routing_key"}}}     (kombu/transport/virtual/base.py, 4.6 to 5.7)

Kombu's Message is not used: it inflates by header before anything may refuse to (204 KB gave 200 MiB, unbounded), and
its JSON loader makes objects of `{"__type__": ...}`.
"""

import base64
import binascii
import math
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import orjson

from bridge.model import Delivery

_PLAIN = (str, int, float, bool, type(None))
_MAX_DEPTH = 16
"""Of nested header tables; nobody nests deeper, and a hostile sender must not exhaust the stack."""


def read_envelope(data: bytes, *, routing_key: str, received_at: float, tag: object) -> Delivery:
    """
    The delivery inside a serialized envelope. What is no envelope, or holds no readable body, becomes a delivery whose
    body are the raw bytes: it is dead-lettered with the reason, not dropped. Never raises.
    """
    try:
        payload = orjson.loads(data)
    except orjson.JSONDecodeError:
        payload = None
    if isinstance(payload, dict):
        delivery = open_envelope(payload, received_at=received_at, tag=tag, routing_key=routing_key)
        if delivery is not None:
            return delivery
    return Delivery(data, routing_key=routing_key, received_at=received_at, tag=tag)


def open_envelope(
    payload: Mapping[str, Any], *, received_at: float, tag: object, routing_key: str = ""
) -> Delivery | None:
    """
    The delivery inside a parsed envelope; None when it has no body that can be read. Never raises.

    Args:
        routing_key: where the envelope names none.
    """
    properties = _table(payload.get("properties"))
    body = _body(payload.get("body"), properties.get("body_encoding"))
    if body is None:
        return None
    headers = _table(payload.get("headers"))
    info = _table(properties.get("delivery_info"))
    return Delivery(
        body,
        content_type=_text(payload.get("content-type")),
        content_encoding=_text(payload.get("content-encoding")),
        headers=plain(headers),
        routing_key=_text(info.get("routing_key")) or routing_key,
        redelivered=any(part.get("redelivered") is True for part in (payload, headers, info)),
        received_at=received_at,
        tag=tag,
    )


def plain(headers: Mapping[str, Any]) -> Mapping[str, Any]:
    """
    Headers as JSON can hold them: dead letters carry them. Instants become ISO 8601, bytes text with what is no UTF-8
    escaped (`\\xff`), decimals and anything unknown their text. Returns the same mapping when there is nothing to do.
    """
    if all(type(value) in _PLAIN and type(name) is str for name, value in headers.items()) and not any(
        type(value) is float and not math.isfinite(value) for value in headers.values()
    ):
        return headers
    return {str(name): _plain(value, 0) for name, value in headers.items()}


def _plain(value: object, depth: int) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "backslashreplace")
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Mapping | list | tuple) and depth >= _MAX_DEPTH:
        return f"a {type(value).__name__}, nested too deeply to be shown"
    if isinstance(value, Mapping):
        return {str(name): _plain(item, depth + 1) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, depth + 1) for item in value]
    return str(value)


def _body(body: object, encoding: object) -> bytes | None:
    data: bytes | None = None
    if isinstance(body, str):
        data = body.encode("utf-8", "surrogatepass")
    elif isinstance(body, bytes | bytearray | memoryview):
        data = bytes(body)
    if data is not None and isinstance(encoding, str) and encoding.lower() == "base64":
        try:
            return base64.b64decode(data, validate=True)
        except binascii.Error:
            return None
    return data


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
