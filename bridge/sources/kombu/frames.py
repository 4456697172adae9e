"""AMQP frames to deliveries, without py-amqp's dispatch: it gives up the connection on text that is no UTF-8."""

import struct
from collections.abc import Callable
from typing import Any

from amqp import spec
from amqp.exceptions import FrameSyntaxError
from amqp.method_framing import frame_handler

from bridge.clients.envelope import plain
from bridge.model import Delivery

_HEADER_FRAME = 2
# RecursionError: a frame has room for thousands of nested tables
_UNREADABLE = (ValueError, struct.error, IndexError, TypeError, OverflowError, RecursionError, FrameSyntaxError)

Frame = tuple[int, int, bytes]


class FrameReader:
    """
    Collects what Basic.Deliver brings in `deliveries`; every other frame goes py-amqp's way.

    Properties or headers that cannot be parsed (a header's text need not be UTF-8) are left away, and the body is
    delivered all the same: py-amqp would drop the connection, get the message again, and so for ever.

    Args:
        tag: makes a delivery's tag from AMQP's.
        now: seconds since the epoch.
    """

    def __init__(self, tag: Callable[[int], object], now: Callable[[], float]) -> None:
        self.deliveries: list[Delivery] = []
        self._tag = tag
        self._now = now

    def handler(self, connection: Any, callback: Callable[..., None]) -> Callable[[Frame], bool]:
        """What py-amqp calls for every frame (its `frame_handler` argument)."""

        def on_method(channel: int, method: tuple[int, int], arguments: bytes, content: Any) -> None:
            if method == spec.Basic.Deliver:
                self.deliveries.append(self._delivery(arguments, content))
            else:
                callback(channel, method, arguments, content)

        on_frame: Callable[[Frame], bool] = frame_handler(connection, on_method)

        def tolerant(frame: Frame) -> bool:
            try:
                return on_frame(frame)
            except _UNREADABLE:
                kind, channel, payload = frame
                if kind != _HEADER_FRAME:
                    raise
                # class, weight and body size stay; the property flags say: none
                return on_frame((kind, channel, payload[:12] + b"\0\0"))

        return tolerant

    def _delivery(self, arguments: bytes, content: Any) -> Delivery:
        # class and method (4), consumer tag (short string), delivery tag (8), redelivered (1), exchange, routing key
        at = 5 + arguments[4]
        tag, redelivered = struct.unpack_from(">QB", arguments, at)
        at += 9
        at += 1 + arguments[at]
        routing_key = arguments[at + 1 : at + 1 + arguments[at]]
        properties = content.properties
        return Delivery(
            content.body or b"",  # py-amqp leaves "" in a message without one
            properties.get("content_type"),
            properties.get("content_encoding"),
            plain(properties.get("application_headers") or {}),
            routing_key.decode("utf-8", "replace"),
            bool(redelivered & 1),
            self._now(),
            self._tag(tag),
        )
