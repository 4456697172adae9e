"""One connection to a RabbitMQ: the shell around the frame parser."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from itertools import count
from typing import cast

import structlog
from pamqp import base, commands
from pamqp import frame as frames

from bridge.clients.unacknowledged import bound_unacknowledged
from bridge.clock import Clock
from bridge.model import Delivery
from bridge.sources.amqp.channel import Channel
from bridge.sources.amqp.frames import FrameParser
from bridge.sources.amqp.heartbeat import LOOKS, Heartbeat
from bridge.sources.amqp.refusal import BROKEN, refusal

_HEARTBEAT = b"\x08\0\0\0\0\0\0\xce"

_CLOSE_SECONDS = 2.0
"""For the farewell; what the broker still sends meanwhile is read and thrown away."""

_CUT_SECONDS = 1.0
"""For the event loop to take a cut connection's transport down, which needs nobody else."""

_log = structlog.get_logger()


class Connection(asyncio.Protocol):
    """
    Made by `handshake.connect`, open. Everything belongs to one event loop. It has one consumer: all deliveries, of
    whatever channel, go to `receive`. It ends once, for one reason: then `error` is set and every channel's `on_end`
    is called; nothing is retried here.

    Args:
        shown: the broker, as logs show it.
        receive: called with the deliveries of each socket read, 1..n in the broker's order.
        tag_base: added to AMQP's delivery tags in `Delivery.tag`.
        patience_seconds: how long an answer, or unacknowledged bytes on the wire, may take.
        clock: dates deliveries and times heartbeats.
    """

    def __init__(
        self,
        shown: str,
        *,
        receive: Callable[[list[Delivery]], None],
        tag_base: int,
        patience_seconds: float,
        clock: Clock,
    ) -> None:
        self.shown = shown
        self.server_properties: Mapping[str, object] = {}
        """As the broker introduced itself: `cluster_name`, `product`, `version` ..."""
        self.error: Exception | None = None
        self.blocked = False
        """Whether the broker, for an alarm of its own, reads nothing from us: only ever of who publishes."""
        self.heard_at = clock.now()
        """When the broker last said anything, in seconds since the epoch."""
        self.control = Channel(0, self._send, patience_seconds)
        self._receive = receive
        self._patience_seconds = patience_seconds
        self._clock = clock
        self._parser = FrameParser(tag_base)
        self._heartbeat = Heartbeat(0, clock.monotonic())
        self._channels: dict[int, Channel] = {0: self.control}
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._reading = True
        self._down = asyncio.Event()

    # For whoever uses it.

    async def open_channel(self) -> Channel:
        """
        A new channel, by the lowest number that is free; a refusal closes only that one.

        Raises:
            OSError, pamqp.exceptions.AMQPError: the connection is lost.
        """
        number = next(number for number in count(1) if number not in self._channels or self._channels[number].error)
        channel = self._channels[number] = Channel(number, self._send, self._patience_seconds)
        channel.error = self.error
        await channel.call(commands.Channel.Open(), commands.Channel.OpenOk)
        return channel

    @property
    def reading(self) -> bool:
        """Whether the broker is listened to: while not, no answer arrives."""
        return self._reading

    def pause(self) -> None:
        """Read no more for now; heartbeats are sent all the same, and the broker's silence is not counted."""
        if self._reading and self._transport is not None and self.error is None:
            self._reading = False
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if not self._reading and self._transport is not None and self.error is None:
            self._reading = True
            self._transport.resume_reading()

    async def close(self) -> None:
        """
        Say goodbye, wait for the answer and disconnect: 3 s at most, never raises, safe twice.

        RabbitMQ handles what a connection sent in order: acks sent before are counted. One that is lost already is
        told nothing.
        """
        try:
            if self.error is None:
                self._receive = forget
                self.resume()
                with contextlib.suppress(*BROKEN):
                    async with asyncio.timeout(_CLOSE_SECONDS):
                        await self.control.call(commands.Connection.Close(200, "", 0, 0), commands.Connection.CloseOk)
        finally:  # also when it is given up while it says goodbye
            self.abort()
        if self._transport is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CUT_SECONDS):
                    await self._down.wait()

    def abort(self) -> None:
        """Disconnect without a word; `close` afterwards waits until that is done."""
        self._end(ConnectionAbortedError("closed by us"))
        if self._transport is not None:
            self._transport.abort()

    def agree(self, frame_bytes: int, heartbeat_seconds: int) -> None:
        """What both sides agreed on; heartbeats begin."""
        self._parser.max_frame_bytes = frame_bytes
        self._heartbeat = Heartbeat(heartbeat_seconds, self._clock.monotonic())
        self._beat()

    def write(self, data: bytes) -> None:
        """Bytes to the broker; dropped when the connection is lost."""
        if self._transport is not None and self.error is None:
            self._transport.write(data)

    # From asyncio.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As asyncio.Protocol."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are none by class
        bound_unacknowledged(transport, self._patience_seconds)

    def data_received(self, data: bytes) -> None:
        """As asyncio.Protocol."""
        if self.error is not None:
            return
        self.heard_at = now = self._clock.now()
        self._heartbeat.heard(self._clock.monotonic())
        try:
            deliveries, methods = self._parser.feed(data, now)
        except BROKEN as error:
            self._lose(error)
            return
        if deliveries:
            self._receive(deliveries)
        for number, method in methods:
            self._take(number, method)

    def connection_lost(self, exc: Exception | None) -> None:
        """As asyncio.Protocol."""
        self._end(exc or ConnectionResetError("the broker closed the connection"))
        self._down.set()

    # The rest.

    def _take(self, number: int, method: base.Frame) -> None:
        channel = self._channels.get(number)
        if isinstance(method, commands.Connection.Close):
            self._send(0, commands.Connection.CloseOk())
            self._end(refusal(method.reply_code or 0, method.reply_text))
            if self._transport is not None:
                self._transport.close()  # once that was sent
        elif isinstance(method, commands.Connection.Blocked):
            self.blocked = True
            _log.warning("broker blocks publishers", broker=self.shown, reason=method.reason)
        elif isinstance(method, commands.Connection.Unblocked):
            self.blocked = False
            _log.info("broker no longer blocks publishers", broker=self.shown)
        elif channel is not None:
            channel.receive(method)

    def _send(self, number: int, method: base.Frame) -> None:
        self.write(frames.marshal(method, number))

    def _beat(self) -> None:
        """Several times per interval."""
        interval = self._heartbeat.interval_seconds
        if self.error is not None or not interval:
            return
        try:
            if self._heartbeat.beat(self._clock.monotonic(), reading=self._reading):
                self.write(_HEARTBEAT)
        except ConnectionAbortedError as error:
            self._lose(error)
            return
        self._timer = asyncio.get_running_loop().call_later(interval / LOOKS, self._beat)

    def _lose(self, error: Exception) -> None:
        self._end(error)
        if self._transport is not None:
            self._transport.abort()

    def _end(self, error: Exception) -> None:
        if self.error is not None:
            return
        self.error = error
        if self._timer is not None:
            self._timer.cancel()
        for channel in self._channels.values():
            channel.end(error)


def forget(deliveries: list[Delivery]) -> None:
    """What nobody wants, or nobody asked for: it is not settled, so the broker keeps it."""
