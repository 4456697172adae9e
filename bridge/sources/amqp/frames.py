"""AMQP 0-9-1 frames: bytes in, deliveries and methods out. No I/O."""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

from pamqp import base
from pamqp import exceptions as refusals
from pamqp import frame as frames

from bridge.model import Delivery
from bridge.sources.amqp.properties import Properties, read_properties

if TYPE_CHECKING:  # of variables inside a function: mypyc keeps them in registers
    from mypy_extensions import i64

Method = tuple[int, base.Frame]
"""The channel it came on, and pamqp's object of it."""

MAX_FRAME_BYTES: Final = 131_072
"""Of one frame, all in all, until both sides agreed on something else: RabbitMQ's own default."""

MAX_BODY_BYTES: Final = 512 * 1024 * 1024
"""No RabbitMQ takes a larger message (`max_message_size` goes no higher), so a header that promises one is broken."""

_METHOD: Final = 1  # kinds of frames, and their end: AMQP 0-9-1, 4.2.3
_HEADER: Final = 2
_BODY: Final = 3
_HEARTBEAT: Final = 8
_END: Final = 0xCE
_DELIVER: Final = 0x003C003C  # class 60, method 60: Basic.Deliver
_TAG_BYTES: Final = 9
"""Of a Basic.Deliver, between consumer tag and exchange: the delivery tag, and whether it is redelivered."""
_AROUND: Final = 8
"""Bytes of a frame besides its payload: kind, channel and size before it, the end mark behind."""

# With results of a known type, because mypyc compares objects where it knows none: compiled, a delivery took 2.0 us,
# 1.6 in the interpreter, and takes 0.9 so.
_frame: Final[Callable[[bytes, int], tuple[int, int, int]]] = struct.Struct(">BHI").unpack_from
"""Kind, channel, size."""
_settling: Final = struct.Struct(">QB").unpack_from
"""Delivery tag, redelivered."""

_PAMQP_TRIPS: Final = (LookupError, ValueError, OverflowError, RecursionError, TypeError, ArithmeticError)
"""What pamqp lets through besides its own errors: tables may be nested without end, times beyond year 9999."""

_CACHED: Final = 1024
"""Different routing keys, and different properties, that are remembered: each worker sends its own, always the same."""
_CACHED_BYTES: Final = 1024
"""The largest of those: 1 MiB each at most."""


@dataclass(slots=True)
class _Arriving:
    """A delivery that came in pieces so far."""

    tag: int
    redelivered: bool
    routing_key: str
    properties: Properties | None = None
    size: int = 0
    parts: list[bytes] = field(default_factory=list)
    arrived: int = 0


class FrameParser:
    """
    Cuts what a socket gives into deliveries and methods; however the bytes are cut, the result is the same.

    A delivery that lies in the buffer as a whole (its method, header and one body frame) takes one look at each; all
    else goes frame by frame. Properties that cannot be parsed are left away, see `read_properties`. Heartbeats are
    dropped: that something came is known to who called `feed`.

    Args:
        tag_base: added to AMQP's delivery tags, so that those of two connections differ.
    """

    def __init__(self, tag_base: int = 0) -> None:
        self.max_frame_bytes = MAX_FRAME_BYTES
        """A larger frame is an error."""
        self._tag_base = tag_base
        self._held: list[bytes] = []
        """What a frame begins with whose end has not come."""
        self._held_bytes = 0
        self._needed = _AROUND
        """With fewer bytes than this nothing more can be done."""
        self._arriving: dict[int, _Arriving] = {}
        self._keys: dict[bytes, str] = {}
        self._properties: dict[bytes, Properties] = {}

    def feed(self, data: bytes, received_at: float) -> tuple[list[Delivery], list[Method]]:
        """
        Take the next bytes; return what they complete, each list in the broker's order.

        Args:
            received_at: when they were read, in seconds since the epoch; what they complete is dated so.

        Raises:
            pamqp.exceptions.PAMQPException: this is no AMQP 0-9-1. The connection is of no use any more.
        """
        if self._held:
            self._held.append(data)
            self._held_bytes += len(data)
            if self._held_bytes < self._needed:
                return [], []
            data = b"".join(self._held)
            self._held = []
        deliveries: list[Delivery] = []
        methods: list[Method] = []
        at, after = 0, 0
        while after >= 0:
            at = self._whole_deliveries(data, after, received_at, deliveries)
            after = self._next_frame(data, at, received_at, deliveries, methods)
        if at < len(data):
            self._held = [data[at:]]
            self._held_bytes = len(data) - at
        return deliveries, methods

    def _whole_deliveries(self, data: bytes, at: int, received_at: float, deliveries: list[Delivery]) -> int:
        """As many as follow one another from `at` on, nothing else between them; returns where they end."""
        keys, known, base_ = self._keys, self._properties, self._tag_base
        most: i64 = self.max_frame_bytes - _AROUND
        start: i64 = at
        try:
            while True:
                named: i64 = data[start + 11]
                end, tag_at = start + 7 + _number(data, start + 3), start + 12 + named
                if data[start] != _METHOD or _number(data, start + 7) != _DELIVER or end < tag_at + _TAG_BYTES:
                    return int(start)
                high, low = _number(data, tag_at), _number(data, tag_at + 4)
                if data[end] != _END or data[end + 1] != _HEADER or _number(data, end + 12) or high >> 31:
                    return int(start)
                size, header_end = _number(data, end + 16), end + 8 + _number(data, end + 4)
                body_end = header_end + 8 + size
                if data[header_end] != _END or data[header_end + 1] != _BODY or _number(data, header_end + 4) != size:
                    return int(start)
                channel = _short(data, start + 1)
                if _short(data, end + 2) != channel or _short(data, header_end + 2) != channel:
                    return int(start)
                if data[body_end] != _END or header_end - start > most or size > most:
                    return int(start)
                names, header = data[tag_at + _TAG_BYTES : end], data[end + 20 : header_end]
                content_type, encoding, headers = known.get(header) or self._read_properties(header)
                deliveries.append(
                    Delivery(
                        data[header_end + 8 : body_end],
                        content_type,
                        encoding,
                        headers,
                        keys.get(names) or self._routing_key(names),
                        data[tag_at + 8] & 1 == 1,
                        received_at,
                        base_ + int(high << 32 | low),
                    )
                )
                start = body_end + 1
        except IndexError:  # the rest of it has not come
            return int(start)

    def _routing_key(self, names: bytes) -> str:
        """Of exchange and routing key, two short strings."""
        at = 1 + names[0] if names else 0
        key = names[at + 1 :].decode("utf-8", "replace")
        if len(self._keys) >= _CACHED:
            self._keys.clear()
        self._keys[names] = key
        return key

    def _read_properties(self, header: bytes) -> Properties:
        properties = read_properties(header)
        if len(header) <= _CACHED_BYTES:
            if len(self._properties) >= _CACHED:
                self._properties.clear()
            self._properties[header] = properties
        return properties

    # Frame by frame.

    def _next_frame(
        self, data: bytes, at: int, received_at: float, deliveries: list[Delivery], methods: list[Method]
    ) -> int:
        """Take the frame at `at`; returns where it ends, -1 when it has not come as a whole."""
        self._needed = _AROUND
        if len(data) - at < _AROUND:
            return -1
        kind, channel, size = _frame(data, at)
        if size + _AROUND > self.max_frame_bytes or kind not in (_METHOD, _HEADER, _BODY, _HEARTBEAT):
            raise refusals.AMQPFrameError(
                f"a frame of kind {kind} and {size} bytes: this is no AMQP 0-9-1 we agreed on"
            )
        after = at + size + _AROUND
        if after > len(data):
            self._needed = after - at
            return -1
        if data[after - 1] != _END:
            raise refusals.AMQPFrameError("a frame without its end mark")
        payload = data[at + 7 : after - 1]
        if kind == _METHOD:
            if payload[:4] == _DELIVER.to_bytes(4, "big"):
                self._begin(channel, payload)
            else:
                methods.append((channel, _read_method(data[at:after])))
        elif kind != _HEARTBEAT:
            self._go_on(kind, channel, payload, received_at, deliveries)
        return int(after)

    def _begin(self, channel: int, payload: bytes) -> None:
        """Basic.Deliver: consumer tag, delivery tag, redelivered, exchange, routing key."""
        try:
            named = payload[4]
            tag, redelivered = _settling(payload, 5 + named)
        except (struct.error, IndexError):
            raise refusals.AMQPFrameError("a delivery without its tag") from None
        key = self._routing_key(payload[14 + named :])
        self._arriving[channel] = _Arriving(self._tag_base + tag, redelivered & 1 == 1, key)

    def _go_on(self, kind: int, channel: int, payload: bytes, received_at: float, deliveries: list[Delivery]) -> None:
        """A header or a piece of a body; it may be the last one."""
        arriving = self._arriving.get(channel)
        if arriving is None or (arriving.properties is None) == (kind == _BODY):
            raise refusals.AMQPUnexpectedFrame("a piece of a message that nothing announced")
        if kind == _HEADER:
            arriving.size = int.from_bytes(payload[4:12], "big")
            arriving.properties = self._properties.get(payload[12:]) or self._read_properties(payload[12:])
        else:
            arriving.parts.append(payload)
            arriving.arrived += len(payload)
        if arriving.arrived > arriving.size or arriving.size > MAX_BODY_BYTES:
            raise refusals.AMQPFrameError(f"a body of {arriving.size} bytes, {arriving.arrived} of which came")
        if arriving.arrived == arriving.size:
            del self._arriving[channel]
            body = arriving.parts[0] if len(arriving.parts) == 1 else b"".join(arriving.parts)
            properties = arriving.properties or Properties()
            deliveries.append(
                Delivery(body, *properties, arriving.routing_key, arriving.redelivered, received_at, arriving.tag)
            )


def _number(data: bytes, at: "i64") -> "i64":
    """
    Of four bytes, the largest first.

    Raises:
        IndexError: they are not all there.
    """
    first: i64 = data[at]
    second: i64 = data[at + 1]
    third: i64 = data[at + 2]
    fourth: i64 = data[at + 3]
    return first << 24 | second << 16 | third << 8 | fourth


def _short(data: bytes, at: "i64") -> "i64":
    """Of two bytes; likewise."""
    first: i64 = data[at]
    second: i64 = data[at + 1]
    return first << 8 | second


def _read_method(data: bytes) -> base.Frame:
    """Of one whole method frame."""
    try:
        return cast(base.Frame, frames.unmarshal(data)[2])  # its kind says that it is a method
    except _PAMQP_TRIPS as error:
        raise refusals.AMQPSyntaxError(f"a method that cannot be read: {type(error).__name__}") from None
