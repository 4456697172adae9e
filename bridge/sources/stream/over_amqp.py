"""The same stream read over AMQP 0-9-1, where its own protocol is not to be had."""

import asyncio
from collections import deque
from functools import partial

from bridge.clock import Clock
from bridge.errors import ConnectError
from bridge.model import Delivery
from bridge.sources.amqp.address import Address
from bridge.sources.amqp.channel import Channel
from bridge.sources.amqp.connection import Connection
from bridge.sources.amqp.declarations import needing
from bridge.sources.amqp.handshake import connect
from bridge.sources.stream.intake import Intake
from bridge.sources.stream.messages import Single

OFFSET = "x-stream-offset"
"""The header that a stream's deliveries have, and the argument of their consumer (rabbitmq.com/docs/streams)."""

_PROBE_SECONDS = 10.0


class AmqpLink:
    """
    Fulfils `Link` for a stream queue that is consumed as any other queue: a tenth of the speed, ten times the broker's
    CPU, and no position is remembered there. An acknowledgement is only credit.

    Args:
        address: of the broker, for a second connection that looks for the oldest message.
        stream: the queue's name.
        intake: takes what arrives.
        prefetch: deliveries unsettled, at most.
        clock: of the second connection.
    """

    def __init__(self, address: Address, stream: str, intake: Intake, prefetch: int, clock: Clock) -> None:
        self._address = address
        self._stream = stream
        self._intake = intake
        self._prefetch = prefetch
        self._clock = clock
        self._connection: Connection | None = None
        self._channel: Channel | None = None
        self._unacked: deque[tuple[int, int]] = deque()
        """The tag the intake gave and AMQP's, of what is not settled, in order."""
        self._asking: set[asyncio.Task[None]] = set()
        self.lost: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()

    def adopt(self, connection: Connection, channel: Channel) -> None:
        """Read over this connection, whose deliveries go to `receive`."""
        self._connection, self._channel = connection, channel
        channel.on_end = self._lose
        if channel.error is not None:
            self._lose(channel.error)

    def _lose(self, error: Exception) -> None:
        if not self.lost.done():
            self.lost.set_result(error)

    @property
    def heard_at(self) -> float:
        """As `Link.heard_at`."""
        return self._connection.heard_at if self._connection is not None else self._clock.now()

    async def stored(self) -> int | None:
        """As `Link.stored`: AMQP has no such thing."""
        return None

    async def noted(self) -> int | None:
        """As `Link.noted`, likewise."""
        return None

    async def note(self, value: int) -> None:
        """As `Link.note`: nothing is."""

    async def subscribe(self) -> None:
        """As `Link.subscribe`."""
        channel = self._channel
        if channel is None:
            return
        self._intake.ask_oldest = self._ask
        place = self._intake.place()
        with needing(f"read from the queue {self._stream}", self._address.shown, self._stream):
            await channel.consume(self._stream, self._prefetch, {OFFSET: place.argument()})

    def receive(self, deliveries: list[Delivery]) -> None:
        """What the connection calls with the deliveries of a read; what is wrong with them ends it."""
        try:
            for delivery in deliveries:
                self._take(delivery)
        except Exception as error:  # noqa: BLE001 - whatever a server sends ends the connection, and nothing else
            self._lose(error)
        self.proceed()

    def _take(self, delivery: Delivery) -> None:
        offset, tag = delivery.headers.get(OFFSET), delivery.tag
        if not isinstance(offset, int) or not isinstance(tag, int):
            raise ConnectError(f"a delivery of the queue {self._stream} has no offset: is it a stream?")
        delivery.headers = {name: value for name, value in delivery.headers.items() if name != OFFSET}
        self._intake.take(Single(offset, delivery, partial(self._tagged, tag)))

    def _tagged(self, amqp_tag: int, tag: int | None) -> None:
        if tag is None:  # it lies before the first one that is wanted
            self._ack(amqp_tag, multiple=False)
        else:
            self._unacked.append((tag, amqp_tag))

    def _ack(self, tag: int, *, multiple: bool) -> None:
        if self._channel is not None:
            self._channel.ack(tag, multiple=multiple)

    def proceed(self, *, store: bool = False) -> None:  # noqa: ARG002 - nothing can be stored
        """As `Link.proceed`."""
        upto = 0
        while self._unacked and self._unacked[0][0] <= self._intake.settled:
            upto = self._unacked.popleft()[1]
        if upto:
            self._ack(upto, multiple=True)
        if self._connection is not None:
            if self._intake.window.full:
                self._connection.pause()
            else:
                self._connection.resume()

    def _ask(self) -> None:
        task = asyncio.create_task(self._ask_oldest(), name=f"oldest offset of {self._stream}")
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _ask_oldest(self) -> None:
        """A connection has one consumer: another one is asked for a single message, the oldest."""
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def receive(deliveries: list[Delivery]) -> None:
            if not found.done():
                found.set_result(int(deliveries[0].headers[OFFSET]))

        try:
            connection = await connect(
                self._address, f"celery-event-bridge {self._stream} oldest", receive=receive, clock=self._clock
            )
            try:
                channel = await connection.open_channel()
                await channel.consume(self._stream, 1, {OFFSET: "first"})
                async with asyncio.timeout(_PROBE_SECONDS):
                    oldest = await found
            finally:
                await connection.close()
            self._intake.oldest(oldest)
        except Exception as error:  # noqa: BLE001 - whatever it is, what waits for the answer has to be read again
            self._lose(error)
        self.proceed()

    async def close(self, *, polite: bool) -> None:
        """As `Link.close`."""
        for task in self._asking:
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)
        if self._connection is not None:
            if not polite:
                self._connection.abort()
            await self._connection.close()
        self._lose(ConnectionAbortedError("closed by us"))
