"""Kombu's envelope, opened without parsing what is always the same."""

import binascii
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import orjson

from bridge.clients.envelope import open_envelope, read_envelope
from bridge.model import Delivery

_HEAD = b'{"body": "'
"""How every envelope of kombu's begins: a dict in the order of its making, written by Python's json."""

_TAG = b'"delivery_tag": "'
_TAG_BYTES = 36
_HEX = b"0123456789abcdef-"
"""What a delivery tag is: a uuid, the only part besides the body that differs from message to message."""

_FRAMES = 4096
"""Different envelopes remembered: one for each worker and routing key. All are forgotten when there are more."""

_FRAME_BYTES = 2048
"""Of an envelope without its body; kombu's has 250. Longer ones are not remembered, so that memory is bounded."""

Frame = tuple[str | None, str | None, Mapping[str, Any], str, bool]
"""Content type, content encoding, headers, routing key, redelivered."""


class Envelopes:
    """
    Opens envelopes to what `bridge.clients.envelope.read_envelope` makes of them, at a third of its cost: the text
    around body and delivery tag is parsed when it is first seen and looked up afterwards. Whatever is not laid out as
    kombu lays it out goes to `read_envelope`.

    Deliveries of equal envelopes share their headers.

    Cost: 2.8 us for a body of 318 bytes; the same fields by orjson took 4.1, `read_envelope` takes 8.4.
    """

    def __init__(self) -> None:
        self._frames: dict[bytes, Frame | None] = {}
        # Nobody can send them, so what parses to them is what they were put in the place of.
        self._body_mark, self._tag_mark = uuid4().hex, str(uuid4())

    def open(self, data: bytes, routing_key: str, received_at: float) -> Delivery:
        """
        The delivery in the envelope, or one that holds `data` itself. Never raises.

        Args:
            routing_key: where the envelope names none.
        """
        body_end = data.find(b'"', len(_HEAD))
        tag_at = data.rfind(_TAG) + len(_TAG)
        tag_end = tag_at + _TAG_BYTES
        if tag_at > body_end > 0 and data.startswith(_HEAD) and not data[tag_at:tag_end].translate(None, _HEX):
            around = data[body_end:tag_at] + data[tag_end:]
            frame = self._frames.get(around)
            if frame is None and around not in self._frames:
                frame = self._learn(data[body_end:tag_at], data[tag_end:])
            if frame is not None:
                try:
                    body = binascii.a2b_base64(data[len(_HEAD) : body_end], strict_mode=True)
                except binascii.Error:
                    return read_envelope(data, routing_key=routing_key, received_at=received_at, tag=None)
                content_type, content_encoding, headers, own_key, redelivered = frame
                return Delivery(
                    body, content_type, content_encoding, headers, own_key or routing_key, redelivered, received_at
                )
        return read_envelope(data, routing_key=routing_key, received_at=received_at, tag=None)

    def _learn(self, middle: bytes, end: bytes) -> Frame | None:
        """The frame of an envelope with this text between body and tag, and behind the tag; None: it is none."""
        if len(middle) + len(end) > _FRAME_BYTES:
            return None
        frame = self._parse(_HEAD + self._body_mark.encode() + middle + self._tag_mark.encode() + end)
        if len(self._frames) >= _FRAMES:
            self._frames.clear()
        self._frames[middle + end] = frame
        return frame

    def _parse(self, text: bytes) -> Frame | None:
        """Of an envelope whose body and tag are ours, so that it is certain which part of the text they are."""
        try:
            payload = orjson.loads(text)
        except orjson.JSONDecodeError:
            return None
        properties = payload.get("properties") if isinstance(payload, dict) else None
        if not isinstance(properties, dict) or properties.get("delivery_tag") != self._tag_mark:
            return None
        encoding = properties.get("body_encoding")
        if payload.get("body") != self._body_mark or not isinstance(encoding, str) or encoding.lower() != "base64":
            return None
        delivery = open_envelope(payload | {"body": ""}, received_at=0.0, tag=None)
        if delivery is None:
            return None
        return (
            delivery.content_type,
            delivery.content_encoding,
            delivery.headers,
            delivery.routing_key,
            delivery.redelivered,
        )
