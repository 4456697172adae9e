"""One connection to a Redis: commands out, answers and deliveries in. asyncio's end of it."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import hiredis

from bridge.clock import Clock
from bridge.model import Delivery
from bridge.sources.redis.replies import Replies

_BUFFER_BYTES = 1024 * 1024
"""
Read from the socket at a time, at most: about as many messages as a chain takes in one read. Both have one turn each on
a busy loop, and the reader must not be the slower one: what it leaves fills Redis's buffer, which is cut off at 32 MiB.
"""

_pack: Any = hiredis.pack_command  # typed for commands of one word

Deliver = Callable[[list[Delivery], float], None]
"""Takes deliveries in the server's order, and the moment until which nothing can be missing before them."""


class Wire(asyncio.BufferedProtocol):
    """
    Belongs to one event loop; made inside it. `lost` tells its end.

    Args:
        replies: parses what comes; nobody else's.
        clock: dates deliveries.
    """

    def __init__(self, replies: Replies, clock: Clock) -> None:
        self._replies = replies
        self._clock = clock
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))
        self._loop = asyncio.get_running_loop()
        self._transport: Any = None
        self._expected: deque[asyncio.Future[Any] | float] = deque()
        """What the next answers belong to: questions, and the times of pings."""
        self._held: list[Delivery] = []
        self._deliver: Deliver | None = None
        self._reason: Exception | None = None
        self._last_words: Exception | None = None
        self._heard = False
        self.lost: asyncio.Future[Exception] = self._loop.create_future()
        """Done when the connection is over; holds why."""
        self.whole_at = clock.now()
        """
        Everything published to our subscription before this moment was received: when the last ping that was answered
        (or the subscription itself) was sent. Redis answers in order, so its answer stands behind what came before.
        """
        self.heard_at = clock.now()
        """When the server last said anything."""

    async def ask(self, *words: str) -> Any:
        """
        Send a command and wait for its answer, as hiredis makes it.

        Raises:
            hiredis.ReplyError: the server refused it.
            OSError, hiredis.ProtocolError: the connection is lost.
        """
        if self.lost.done():
            raise self.lost.result()
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._expected.append(answer)
        self._transport.write(_pack(words))
        result = await answer
        if isinstance(result, hiredis.ReplyError):
            raise result
        return result

    def ping(self) -> bool:
        """Ask for a sign of life; returns whether there was any since it was last asked for."""
        heard, self._heard = self._heard, False
        if not self.lost.done():
            self._expected.append(self._clock.now())
            self._transport.write(b"*1\r\n$4\r\nPING\r\n")
        return heard

    def deliver(self, take: Deliver) -> list[Delivery]:
        """From now on give deliveries to `take`; returns those that came before."""
        self._deliver = take
        held, self._held = self._held, []
        return held

    def fail(self, reason: Exception) -> None:
        """Cut it, for this reason; `lost` is done soon. Safe twice."""
        self._reason = self._reason or reason
        if self._transport is not None:
            self._transport.abort()

    async def close(self) -> None:
        """Cut it and wait until it is over. Redis forgets a subscriber with its connection."""
        self.fail(ConnectionAbortedError("closed by us"))
        await asyncio.wait({self.lost})

    # From asyncio.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As asyncio.BaseProtocol."""
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        """As asyncio.BufferedProtocol."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """As asyncio.BufferedProtocol."""
        self.heard_at, self._heard = self._clock.now(), True
        try:
            deliveries, answers = self._replies.feed(self._buffer[:nbytes], self.heard_at)
        except hiredis.ProtocolError as error:
            self.fail(error)
            return
        if deliveries and self._deliver is not None:
            self._deliver(deliveries, self.whole_at)
        else:
            self._held += deliveries
        for answer in answers:
            self._answered(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """As asyncio.BaseProtocol."""
        reason = self._reason or exc or self._last_words or ConnectionResetError("closed by the server")
        self.lost.set_result(reason)
        for question in self._expected:
            if isinstance(question, asyncio.Future) and not question.done():
                question.set_exception(reason)
        self._expected.clear()

    def _answered(self, answer: Any) -> None:
        if not self._expected:
            # nobody asked: a server says so why it is about to close
            self._last_words = answer if isinstance(answer, hiredis.ReplyError) else self._last_words
            return
        question = self._expected.popleft()
        if isinstance(question, float):
            self.whole_at = question
        elif not question.done():
            question.set_result(answer)
