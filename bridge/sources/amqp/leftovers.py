"""What a group left behind on a broker: looked at, and removed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from pamqp import commands
from pamqp import exceptions as refusals

from bridge.clock import Clock, SystemClock
from bridge.errors import BridgeError, ConfigError
from bridge.model import Delivery
from bridge.sources.amqp.address import addresses
from bridge.sources.amqp.connection import Connection
from bridge.sources.amqp.declarations import needing
from bridge.sources.amqp.handshake import connect
from bridge.sources.amqp.refusal import while_connecting

_OFFSET = "x-stream-offset"

_QUIET_SECONDS = 1.0
"""A stream that gives nothing for so long gives nothing: it is empty, or its last chunk was read to the end."""

_CHUNK = 10_000
"""Deliveries of a stream's last chunk: RabbitMQ puts at most 4,096 messages into one (osiris_writer's batches)."""

_SYSTEM_CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class Leftover:
    """A queue or a stream that is there."""

    queue: str
    messages: int
    """That wait in it; of a stream all that it keeps, read or not."""
    consumers: int
    """Who read it now. Of a stream always 0: RabbitMQ does not tell."""


class Leftovers:
    """
    A connection to a broker of the URL, to look at queues and remove them. An async context manager of one event loop.

    Raises:
        ConfigError: the URL can never work.
    """

    def __init__(self, url: str, *, clock: Clock = _SYSTEM_CLOCK) -> None:
        self._addresses = addresses(url)
        self._clock = clock
        self._connection: Connection | None = None
        self._arrived: asyncio.Queue[Delivery] = asyncio.Queue()

    @property
    def shown(self) -> str:
        """The broker without user, password and parameters."""
        return self._opened.shown if self._connection is not None else ";".join(one.shown for one in self._addresses)

    @property
    def _opened(self) -> Connection:
        if self._connection is None:
            raise RuntimeError("not connected")
        return self._connection

    async def __aenter__(self) -> Self:
        """
        Connect to the first broker that lets us.

        Raises:
            ConnectError, CredentialsError: none did; that of the last one.
        """
        last: BridgeError | None = None
        for address in self._addresses:
            try:
                self._connection = await connect(
                    address, "celery-event-bridge forget", receive=self._receive, clock=self._clock
                )
            except Exception as error:  # noqa: BLE001 - told when no other one is left
                last = while_connecting(error, address.shown)
                last.__cause__ = error
            else:
                return self
        raise last or ConfigError("broker URL: it is empty")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect, within 3 s."""
        if self._connection is not None:
            await self._connection.close()

    async def look(self, queue: str, *, stream: bool) -> Leftover | None:
        """
        What is in a queue; None when it is not there. Needs no right, but that to read a stream.

        Raises:
            ConnectError, CredentialsError: it did not work.
        """
        with needing(f"see the queue {queue}", self.shown, queue):
            channel = await self._opened.open_channel()
            try:
                declared = await channel.call(
                    commands.Queue.Declare(queue=queue, passive=True), commands.Queue.DeclareOk
                )
            except refusals.AMQPNotFound:
                return None
            await channel.close()
        messages = await self._kept(queue) if stream else declared.message_count or 0
        return Leftover(queue, messages, declared.consumer_count or 0)

    async def remove(self, queue: str) -> None:
        """
        Delete it with all that it holds; nothing when it is not there.

        Raises:
            CredentialsError: the right to configure it is missing.
            ConnectError: the connection is lost.
        """
        with needing(f"configure the queue {queue}", self.shown, queue):
            channel = await self._opened.open_channel()
            await channel.call(commands.Queue.Delete(queue=queue), commands.Queue.DeleteOk)
            await channel.close()

    def _receive(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            self._arrived.put_nowait(delivery)

    async def _kept(self, stream: str) -> int:
        """
        Messages of a stream, by their offsets: declarations say 0 of it. The stream itself takes a few offsets too,
        so it is an upper bound.
        """
        oldest = await self._offsets(stream, "first", 1)
        newest = await self._offsets(stream, "last", _CHUNK) if oldest else []
        return newest[-1] - oldest[0] + 1 if oldest and newest else 0

    async def _offsets(self, stream: str, place: str, most: int) -> list[int]:
        """Of the messages that come from that place on, at most so many of them."""
        found: list[int] = []
        with needing(f"read from the queue {stream}", self.shown, stream):
            channel = await self._opened.open_channel()
            await channel.consume(stream, most, {_OFFSET: place})
            try:
                while len(found) < most:
                    async with asyncio.timeout(_QUIET_SECONDS):
                        delivery = await self._arrived.get()
                    found.append(int(delivery.headers[_OFFSET]))
            except TimeoutError:
                pass
            await channel.catch_up(stream, second=False)
            await channel.close()
        return found
