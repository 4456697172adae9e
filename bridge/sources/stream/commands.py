"""
The commands of RabbitMQ's stream protocol that we use, as bytes, and its answers taken apart. No I/O.

Every frame is: size (4 bytes, without itself), key (2), version (2), then the command's own fields; a request has a
correlation id (4) first, its answer has the same one and a code (2). All numbers are big-endian, a string is its length
(2) and UTF-8 (rabbitmq-server, deps/rabbitmq_stream/docs/PROTOCOL.adoc).
"""

import struct
from collections.abc import Mapping
from enum import IntEnum

from bridge.errors import ConnectError


class Key(IntEnum):
    """What a frame is. An answer has the highest bit set besides."""

    SUBSCRIBE = 7
    DELIVER = 8
    CREDIT = 9
    STORE_OFFSET = 10
    QUERY_OFFSET = 11
    UNSUBSCRIBE = 12
    METADATA = 15
    METADATA_UPDATE = 16
    PEER_PROPERTIES = 17
    SASL_HANDSHAKE = 18
    SASL_AUTHENTICATE = 19
    TUNE = 20
    OPEN = 21
    CLOSE = 22
    HEARTBEAT = 23


ANSWER = 0x8000

OK = 1
STREAM_MISSING = 2
"""Also what a consumer is told when its stream was deleted: `stream not available` (6) comes in a MetadataUpdate."""
ACCESS_REFUSED = 16
NO_OFFSET = 19

CODES: Mapping[int, str] = {
    1: "ok",
    2: "the stream does not exist",
    3: "the subscription id exists already",
    4: "the subscription id does not exist",
    5: "the stream exists already",
    6: "the stream is not available",
    7: "the SASL mechanism is not supported",
    8: "the login was refused",
    9: "a SASL error",
    10: "one more SASL challenge",
    11: "the login was refused, as it is allowed from the server's own machine only",
    12: "the user may not enter the virtual host",
    13: "an unknown frame",
    14: "a frame is too large",
    15: "an internal error of the server",
    16: "access was refused",
    17: "a precondition failed",
    18: "the publisher does not exist",
    19: "no offset is stored",
}
"""The answers' codes, in words (PROTOCOL.adoc, "Response Codes")."""

_U16 = struct.Struct(">H")
_U32 = struct.Struct(">I")
_U64 = struct.Struct(">Q")
_HEAD = struct.Struct(">IHH")
_CREDIT = struct.Struct(">BH")
_HEARTBEAT = _HEAD.pack(4, Key.HEARTBEAT, 1)


def frame(key: int, payload: bytes = b"") -> bytes:
    """One frame of version 1."""
    return _HEAD.pack(4 + len(payload), key, 1) + payload


def request(key: int, correlation: int, payload: bytes = b"") -> bytes:
    """One frame that is answered."""
    return frame(key, _U32.pack(correlation) + payload)


def heartbeat() -> bytes:
    """A sign of life."""
    return _HEARTBEAT


def text(value: str) -> bytes:
    """A string."""
    data = value.encode()
    return _U16.pack(len(data)) + data


def properties(values: Mapping[str, str]) -> bytes:
    """A map of strings."""
    return _U32.pack(len(values)) + b"".join(text(name) + text(value) for name, value in values.items())


def authenticate(mechanism: str, secret: bytes) -> bytes:
    """The fields of SaslAuthenticate."""
    return text(mechanism) + _U32.pack(len(secret)) + secret


def tune(frame_max: int, heartbeat_seconds: int) -> bytes:
    """The fields of Tune."""
    return _U32.pack(frame_max) + _U32.pack(heartbeat_seconds)


def subscribe(subscription: int, stream: str, specification: bytes, credit: int) -> bytes:
    """The fields of Subscribe; `specification` says where to begin."""
    return bytes([subscription]) + text(stream) + specification + _U16.pack(credit) + properties({})


def credit(subscription: int, chunks: int) -> bytes:
    """The frame that asks for so many chunks more, at most 65,535."""
    return frame(Key.CREDIT, _CREDIT.pack(subscription, chunks))


def store_offset(reference: str, stream: str, offset: int) -> bytes:
    """The frame that has the server remember an offset. It is not answered."""
    return frame(Key.STORE_OFFSET, text(reference) + text(stream) + _U64.pack(offset))


def query_offset(reference: str, stream: str) -> bytes:
    """The fields of QueryOffset."""
    return text(reference) + text(stream)


def metadata(stream: str) -> bytes:
    """The fields of Metadata, asked for one stream."""
    return _U32.pack(1) + text(stream)


def close(code: int, reason: str) -> bytes:
    """The fields of Close."""
    return _U16.pack(code) + text(reason)


class Fields:
    """
    Reads the fields of a payload one after the other.

    Raises (from every method):
        ConnectError: the payload is shorter than its fields say: that is no server of this protocol.
    """

    def __init__(self, payload: bytes, at: int = 0) -> None:
        self._payload = payload
        self._at = at

    def u16(self) -> int:
        return self._number(_U16)

    def u32(self) -> int:
        return self._number(_U32)

    def u64(self) -> int:
        return self._number(_U64)

    def text(self) -> str:
        size = self.u16()
        data = self._payload[self._at : self._at + size]
        if len(data) < size:
            raise ConnectError("the server's answer is cut short: is this a port for streams?")
        self._at += size
        return data.decode("utf-8", "replace")

    def texts(self) -> list[str]:
        """An array of strings."""
        return [self.text() for _ in range(self.u32())]

    def properties(self) -> dict[str, str]:
        """A map of strings."""
        return {self.text(): self.text() for _ in range(self.u32())}

    def _number(self, kind: struct.Struct) -> int:
        try:
            (value,) = kind.unpack_from(self._payload, self._at)
        except struct.error:
            raise ConnectError("the server's answer is cut short: is this a port for streams?") from None
        self._at += kind.size
        return int(value)
