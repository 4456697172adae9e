"""
What is around the body of a message in a stream: AMQP 1.0, cut by us down to the data section. No I/O.

RabbitMQ writes what came in over AMQP 0-9-1 as sections, each `00 53 CODE` and a list or map: message annotations
(x-exchange, x-routing-key, x-basic-*), properties (content type and encoding among them), application properties (the
headers), and the data (rabbitmq-server, deps/rabbit/src/rabbit_msg_record.erl; since 3.13 mc_amqpl.erl).

A cluster's events have a few hundred different envelopes, one for each worker and routing key, so what was parsed once
is looked up by its bytes: parsing depends on nothing else.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from bridge.clients.envelope import plain
from bridge.sources.stream import amqp10

_PROPERTIES, _ANNOTATIONS, _HEADERS, _DATA, _VALUE, _FOOTER = 0x73, 0x72, 0x74, 0x75, 0x77, 0x78

_CONTENT_TYPE, _CONTENT_ENCODING = 6, 7
"""Their places in the list of properties (AMQP 1.0, part 3, 3.2.4)."""

_U32 = struct.Struct(">I")

_CACHED = 4096
"""Envelopes remembered: about 2 MB. A sender that puts something different into each message costs a parse each."""

_MARK = b"\0S\x75"
"""Where the data section begins."""

_EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(slots=True, init=False)
class Envelope:
    """What a delivery has besides its body."""

    content_type: str | None
    content_encoding: str | None
    headers: Mapping[str, Any]
    routing_key: str

    def __init__(self) -> None:
        self.content_type = self.content_encoding = None
        self.headers = _EMPTY
        self.routing_key = ""


class Envelopes:
    """Opens messages; remembers the envelopes it has seen."""

    def __init__(self) -> None:
        self.known: dict[bytes, Envelope] = {}
        """The bytes before a binary's length -> envelope. Whoever finds its message's beginning in here, up to and
        with the constructor (A0 or B0), knows where its body begins: the same bytes were parsed before."""

    def open(self, data: bytes, at: int, end: int) -> tuple[Envelope, bytes]:
        """
        The envelope and the body of the message `data[at:end]`. Never raises: what is no AMQP 1.0 is all body, without
        content type, and what has no data section but a value has the value's bytes.
        """
        cut = data.find(_MARK, at, end)
        known = self.known.get(data[at : cut + 4]) if cut >= 0 else None
        if known is not None:
            body = _binary(data, cut + 3, end)
            if body is not None:
                return known, body
        message = data[at:end]
        try:
            return self._parse(message)
        except (ValueError, IndexError, struct.error, OverflowError, RecursionError):
            return Envelope(), message

    def _parse(self, message: bytes) -> tuple[Envelope, bytes]:
        envelope, at = Envelope(), 0
        bodies: list[bytes] = []
        prefix = b""
        while at < len(message):
            code, start = _section(message, at)
            if code == _DATA and not prefix:
                prefix = message[: start + 1]
            if code in (_DATA, _VALUE):
                first, at = amqp10.span(message, start)
                bodies.append(message[first:at])
            elif code in (_ANNOTATIONS, _PROPERTIES, _HEADERS):
                content, at = amqp10.value(message, start)
                _note(envelope, code, content)
            else:
                _, at = amqp10.span(message, start)
        if not bodies:
            raise ValueError("the message has no body")
        if prefix[-1:] in (b"\xa0", b"\xb0") and len(bodies) == 1:
            self._remember(prefix, envelope)
        return envelope, b"".join(bodies)

    def _remember(self, prefix: bytes, envelope: Envelope) -> None:
        if len(self.known) >= _CACHED:
            self.known.clear()
        self.known[prefix] = envelope


def _section(message: bytes, at: int) -> tuple[int, int]:
    """The code of the section at `at`, and where its value begins."""
    if message[at : at + 2] == b"\0S":  # a small ulong
        return message[at + 2], at + 3
    if message[at : at + 2] == b"\0\x80":  # an ulong
        return int.from_bytes(message[at + 2 : at + 10], "big"), at + 10
    raise ValueError("no section begins here")


def _note(envelope: Envelope, code: int, content: Any) -> None:
    if code == _PROPERTIES and isinstance(content, list):
        content += [None] * (_CONTENT_ENCODING + 1 - len(content))
        envelope.content_type, envelope.content_encoding = map(_text, content[_CONTENT_TYPE : _CONTENT_ENCODING + 1])
    elif code == _ANNOTATIONS and isinstance(content, dict):
        envelope.routing_key = _text(content.get("x-routing-key")) or ""
    elif code == _HEADERS and isinstance(content, dict):
        envelope.headers = plain(content)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _binary(data: bytes, at: int, end: int) -> bytes | None:
    """The bytes of the binary at `at` when it ends at `end`, else None: there is more behind it."""
    if data[at] == 0xB0 and at + 5 <= end:
        start, (size,) = at + 5, _U32.unpack_from(data, at + 1)
    elif data[at] == 0xA0 and at + 2 <= end:
        start, size = at + 2, data[at + 1]
    else:
        return None
    return data[start:end] if start + size == end else None
