"""One channel of a connection: methods that are answered, one after the other, and methods that are not."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import TypeVar, cast

from pamqp import base, commands

from bridge.sources.amqp.refusal import BROKEN, refusal

Send = Callable[[int, base.Frame], None]

_MAX_PREFETCH = 65535  # AMQP: a short

Answer = TypeVar("Answer", bound=base.Frame)


class Channel:
    """
    Made by `Connection.open_channel`. All methods belong to the connection's event loop.

    Args:
        number: AMQP's.
        send: writes a method's frame.
        patience_seconds: how long an answer may take.
    """

    def __init__(self, number: int, send: Send, patience_seconds: float) -> None:
        self.number = number
        self.error: Exception | None = None
        """Why it is of no use any more: the broker's refusal (pamqp's class of the reply code), or the lost link."""
        self.on_end: Callable[[Exception], None] | None = None
        """Called once, when the broker closes it, cancels its consumer, or the connection is lost."""
        self._send = send
        self._patience_seconds = patience_seconds
        self._waiting: deque[tuple[str, asyncio.Future[base.Frame]]] = deque()

    def send(self, method: base.Frame) -> None:
        """
        Send a method that has no answer, as an ack.

        Raises:
            Exception: `error`, when it is closed.
        """
        if self.error is not None:
            raise self.error
        self._send(self.number, method)

    async def call(self, method: base.Frame, answer: type[Answer]) -> Answer:
        """
        Send a method and wait for its answer. Several calls at once are answered in their order.

        Raises:
            pamqp.exceptions.AMQPError: the broker refused; the channel is closed by that.
            TimeoutError: no answer in time.
            OSError: the connection is lost.
        """
        future = self._ask(method, answer)
        async with asyncio.timeout(self._patience_seconds):
            return cast(Answer, await future)  # `receive` compares the names

    async def wait_for(self, answer: type[Answer]) -> Answer:
        """Wait for a method that the broker sends by itself; as `call`."""
        future = self._await(answer)
        async with asyncio.timeout(self._patience_seconds):
            return cast(Answer, await future)

    def _ask(self, method: base.Frame, answer: type[base.Frame]) -> "asyncio.Future[base.Frame]":
        self.send(method)
        return self._await(answer)

    def _await(self, answer: type[base.Frame]) -> "asyncio.Future[base.Frame]":
        future: asyncio.Future[base.Frame] = asyncio.get_running_loop().create_future()
        self._waiting.append((answer.name, future))
        return future

    async def consume(
        self, queue: str, prefetch: int, arguments: dict[str, object] | None = None, *, consumer_tag: str = "bridge"
    ) -> None:
        """
        Ask for the deliveries of a queue, at most `prefetch` of them unsettled; each has to be acknowledged.

        They go to the connection's `receive`, and may come before this returns. All is sent at once; what is asked for
        by another call in the same turn of the loop (`asyncio.gather`) follows before any of it can be answered.
        Raises as `call`.

        Args:
            arguments: of the consumer, as `x-stream-offset`.
        """
        consume = commands.Basic.Consume(0, queue, consumer_tag, arguments=arguments)  # type: ignore[arg-type]
        asked = [self._ask(_limit(prefetch), commands.Basic.QosOk), self._ask(consume, commands.Basic.ConsumeOk)]
        async with asyncio.timeout(self._patience_seconds):
            await asyncio.gather(*asked)

    async def allow(self, prefetch: int) -> None:
        """Of each consumer that begins after this, at most `prefetch` unsettled. Raises as `call`."""
        await self.call(_limit(prefetch), commands.Basic.QosOk)

    def replace(self, queue: str, consumer_tag: str, by: str | None) -> None:
        """
        Ask for no more deliveries to that consumer, what came may still be acknowledged, and for those of another one;
        None: that waits already. Nothing is answered. Nothing when it is closed.
        """
        if self.error is None:
            self._send(self.number, commands.Basic.Cancel(consumer_tag, nowait=True))
            if by is not None:
                self._send(self.number, commands.Basic.Consume(0, queue, by, nowait=True))

    async def catch_up(self, queue: str, consumer_tag: str = "bridge", *, second: bool) -> None:
        """
        Until RabbitMQ has counted all acks that were sent before; what it still delivers is not wanted any more. The
        last thing before the connection is closed. Raises as `call`.

        Args:
            second: ask for another consumer, which must not become active: so all that is not settled keeps its order.
                Else the consumer with the tag is cancelled.
        """
        if second:
            await self.call(commands.Basic.Consume(0, queue, "bridge-end"), commands.Basic.ConsumeOk)
        else:
            await self.call(commands.Basic.Cancel(consumer_tag), commands.Basic.CancelOk)

    def ack(self, tag: int, *, multiple: bool = False) -> None:
        """Acknowledge AMQP's delivery tag, with `multiple` all up to it. Nothing when it is closed."""
        if self.error is None:
            self._send(self.number, commands.Basic.Ack(tag, multiple))

    async def close(self) -> None:
        """Give it back: its number is free for another one. Nothing is lost when the broker does not answer."""
        with contextlib.suppress(*BROKEN):
            await self.call(commands.Channel.Close(200, "", 0, 0), commands.Channel.CloseOk)
            self.error = ConnectionAbortedError("closed by us")

    # From the connection.

    def receive(self, method: base.Frame) -> None:
        """A method came."""
        if isinstance(method, commands.Channel.Close):
            self._send(self.number, commands.Channel.CloseOk())
            self.end(refusal(method.reply_code or 0, method.reply_text))
        elif isinstance(method, commands.Basic.Cancel):
            self.end(ConnectionAbortedError("the broker cancelled the consumer: the queue is gone"))
        else:
            self._answer(method)

    def _answer(self, method: base.Frame) -> None:
        """
        To the first who waits for such a one. RabbitMQ 3.10 answers a `basic.qos` that follows a `basic.consume` of a
        quorum queue before that, now and then: it learns from the queue that the consumer is there.
        """
        for place, (name, future) in enumerate(self._waiting):
            if name == method.name:
                del self._waiting[place]
                if not future.done():  # whoever waited may have given up
                    future.set_result(method)
                return
        # An answer that nobody asked for, which AMQP knows none of; nothing depends on it.

    def end(self, error: Exception) -> None:
        """It is of no use any more: what waits for an answer gets the error."""
        if self.error is not None:
            return
        self.error = error
        while self._waiting:
            _, future = self._waiting.popleft()
            if not future.done():
                future.set_exception(error)
        if self.on_end is not None:
            self.on_end(error)


def _limit(prefetch: int) -> commands.Basic.Qos:
    return commands.Basic.Qos(0, min(max(prefetch, 1), _MAX_PREFETCH), False)
