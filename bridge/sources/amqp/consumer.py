"""One connection that consumes our queue."""

import asyncio
from collections.abc import Callable, Sequence

from bridge.clients.queue import QueuePlan
from bridge.clock import Clock
from bridge.errors import BridgeError
from bridge.model import Delivery
from bridge.sources.amqp.address import Address
from bridge.sources.amqp.channel import Channel
from bridge.sources.amqp.connection import Connection
from bridge.sources.amqp.declarations import declare, needing, queue_exists, ready
from bridge.sources.amqp.handshake import connect
from bridge.sources.amqp.refusal import BROKEN, while_connecting

_FIRST, _OTHERS = "bridge-first", "bridge-other"
"""
Consumer tags, as an operator sees them. Of one length, which the parser of deliveries likes, and in this order: what
both held when the connection is lost comes again in the order of their tags (rabbit_fifo folds over a map).
"""

_CATCH_UP_SECONDS = 2.0
"""For the broker to count the last acks; what it still delivers meanwhile is not wanted any more."""

_UNANSWERED: tuple[type[Exception], ...] = (*BROKEN, BridgeError)


class QueueConsumer:
    """
    From `open` to `close`; made anew for every connection. Belongs to one event loop.

    Args:
        address: of the broker.
        plan: what queue to declare.
        receive: called with what each socket read brings.
        ended: called once, with the reason, when no more deliveries will come: the connection or the channel was
            closed, the queue deleted.
        tag_base: added to AMQP's delivery tags.
        clock: dates deliveries and times heartbeats.
    """

    def __init__(
        self,
        address: Address,
        plan: QueuePlan,
        *,
        receive: Callable[[list[Delivery]], None],
        ended: Callable[[], None],
        tag_base: int,
        clock: Clock,
    ) -> None:
        self._address = address
        self._plan = plan
        self._queue = plan.name()
        self._receive = receive
        self._ended = ended
        self._tag_base = tag_base
        self._clock = clock
        self._connection: Connection | None = None
        self._channel: Channel | None = None
        self._aside: Channel | None = None
        """For questions."""
        self._tag = ""
        """Of the consumer that may be given deliveries; empty while there is none."""
        self._prefetch = 0
        self._one_active = plan.arguments().get("x-single-active-consumer") is True
        self._created_at = clock.now()

    @property
    def error(self) -> Exception | None:
        """Why no more deliveries will come; None while they may."""
        return self._channel.error if self._channel is not None else None

    @property
    def heard_at(self) -> float:
        """When the broker last said anything, in seconds since the epoch."""
        return self._connection.heard_at if self._connection is not None else self._created_at

    async def open(self, *, again: bool) -> str | None:
        """
        Connect, declare queue and binding.

        Args:
            again: there was such a connection before this one, so a durable queue should be there.

        Returns:
            None, or with `again` why events may have been lost since: a queue that was deleted meanwhile is
            `queue-deleted`, a transient one `disconnected`.

        Raises:
            ConfigError, CredentialsError, ConnectError: it did not work.
        """
        name = f"celery-event-bridge {self._queue}"
        try:
            connection = self._connection = await connect(
                self._address, name, receive=self._receive, tag_base=self._tag_base, clock=self._clock
            )
            channel = await connection.open_channel()
        except Exception as error:
            raise while_connecting(error, self._address.shown) from error
        transient = self._plan.transient
        existed = not transient and again and await queue_exists(connection, self._queue)
        await declare(connection, channel, self._queue, self._plan.arguments(), transient=transient)
        self._channel = channel
        channel.on_end = self._end
        if again and not existed:
            return "disconnected" if transient else "queue-deleted"
        return None

    async def consume(self, prefetch: int, *, one_first: bool = False) -> None:
        """
        Ask for deliveries, at most `prefetch` of them unsettled.

        A consumer of a quorum queue keeps the prefetch it began with, and the queue takes none for a channel. So with
        `one_first` there are two: the first may hold one delivery, the other the rest, and waits behind it as a standby
        does, so that no other process comes in between when `let_others_come` cancels the first. Both are of one
        channel: what they hold when it ends comes again in one order.

        Args:
            one_first: a single one at a time, until `let_others_come`.

        Raises:
            CredentialsError, ConnectError: it did not work.
        """
        channel, self._prefetch = self._channel, prefetch
        if channel is None:
            return
        with needing(f"read from the queue {self._queue}", self._address.shown, self._queue):
            if not one_first or prefetch == 1:
                self._tag = _OTHERS
                await channel.consume(self._queue, prefetch, consumer_tag=_OTHERS)
                return
            self._tag = _FIRST
            await asyncio.gather(  # at once: the first delivery may be here before the answers are
                channel.consume(self._queue, 1, consumer_tag=_FIRST),
                channel.consume(self._queue, prefetch - 1, consumer_tag=_OTHERS)
                if self._one_active
                else channel.allow(prefetch - 1),
            )

    def let_others_come(self) -> bool:
        """
        As many as `consume` asked for; False when that was one. To be called before the first delivery can be settled:
        its ack would bring the first consumer another one, and what is on its way to a cancelled consumer goes back
        behind all others.
        """
        if self._channel is not None and self._tag == _FIRST:
            self._tag = _OTHERS
            self._channel.replace(self._queue, _FIRST, by=None if self._one_active else _OTHERS)
        return self._prefetch > 1

    async def waiting(self) -> int | None:
        """
        Messages ready in the queue, by a passive declaration: on a channel of its own, whose end disturbs nobody, and
        while this connection is not read, as when the other end is down, over another that lives as long as the
        question. None when there is no answer. Never raises.
        """
        connection = self._connection
        if connection is None:
            return None
        try:
            if connection.reading:
                if self._aside is None or self._aside.error is not None:
                    self._aside = await connection.open_channel()
                return await ready(self._aside, self._queue)
            return await self._waiting_elsewhere()
        except _UNANSWERED:
            return None

    async def _waiting_elsewhere(self) -> int:
        name = f"celery-event-bridge {self._queue} depth"
        connection = await connect(self._address, name, clock=self._clock)
        try:
            messages = await ready(await connection.open_channel(), self._queue)
            await connection.close()
        finally:  # also when it is given up while it says goodbye
            connection.abort()
            await connection.close()
        return messages

    def ack(self, tag: int, *, multiple: bool) -> None:
        """The broker may forget AMQP's tag, with `multiple` all up to it. Nothing when the connection is lost."""
        if self._channel is not None:
            self._channel.ack(tag, multiple=multiple)

    def let_read(self, room: bool) -> None:
        """Read from the socket while there is room for what comes; heartbeats go on either way."""
        if self._connection is not None:
            (self._connection.resume if room else self._connection.pause)()

    async def close(self, left: Sequence[int] = ()) -> None:
        """
        Disconnect, in 3 s at most. Never raises, safe when `open` failed, and twice. A broker that is there is told
        goodbye, so it has counted all acks; one that is not is told nothing.

        RabbitMQ's channel holds back acks while a quorum queue has not confirmed 32 earlier ones (`SOFT_LIMIT` of
        rabbit_fifo_client), and forgets those when the connection is closed: of 300 acks in a row 267 were lost. So it
        is asked for an answer that comes through the same log of the queue as they do: after it they are counted.

        A cancel has such an answer, but what is on its way to a cancelled consumer goes back into the queue at once,
        and what came before, which nobody will settle, only when the connection ends: behind it (in 2 of 13 stops under
        load, RabbitMQ 3.10). A second consumer has one too, waits for its turn where one consumer is active at a time,
        and leaves all that is not settled where it is, until the connection's end puts it back in its order.

        Args:
            left: AMQP's tags to acknowledge singly before that.
        """
        for tag in left:
            self.ack(tag, multiple=False)
        if self._connection is None:
            return
        if self._channel is not None and self._channel.error is None and self._tag:
            self._connection.resume()
            try:
                async with asyncio.timeout(_CATCH_UP_SECONDS):
                    await self._channel.catch_up(self._queue, self._tag, second=self._one_active)
            except BROKEN:
                self._connection.abort()
            self._tag = ""
        await self._connection.close()

    def abort(self) -> None:
        """Disconnect at once."""
        if self._connection is not None:
            self._connection.abort()

    def _end(self, error: Exception) -> None:  # noqa: ARG002 - `error` of the channel says it
        self._ended()
