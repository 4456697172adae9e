"""A connection made of a script, in the place of `QueueConsumer`: for tests of the reader."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from bridge.clients.backoff import CAP_SECONDS
from bridge.model import Delivery
from bridge.sources.amqp.reader import Reader
from bridge.testing import FakeClock


class ScriptedConsumer:
    """
    Gives what a test lets it give, and notes what is done to it.

    Args:
        refuse: what `open` raises.
        refuse_consume: what `consume` raises.
        reason: what `open` returns when there was a connection before.
        early: bodies that come before `consume` returns.
        late: bodies that come while it is closed.
        waiting: messages of the queue.
    """

    def __init__(
        self,
        *,
        refuse: Exception | None = None,
        refuse_consume: Exception | None = None,
        reason: str | None = None,
        early: Sequence[bytes] = (),
        late: Sequence[bytes] = (),
        waiting: int | None = None,
    ) -> None:
        self.refuse, self.refuse_consume, self.reason, self.early = refuse, refuse_consume, reason, early
        self.messages, self.late = waiting, late
        self.heard_at = 100.0
        self.error: Exception | None = None
        self.calls: list[str] = []
        self.acks: list[tuple[int, bool]] = []
        self.left: list[int] = []
        self.prefetch = 0
        self.one_first = False
        self.answers = asyncio.Event()
        """Cleared, `consume` does not return."""
        self.answers.set()
        self.reading = True
        self._tag = 0
        self._receive: Callable[[list[Delivery]], None] = lambda _: None
        self._ended: Callable[[], None] = lambda: None
        self._base = 0

    def bind(self, receive: Callable[[list[Delivery]], None], ended: Callable[[], None], base: int) -> None:
        """What the reader wants to be told."""
        self._receive, self._ended, self._base = receive, ended, base

    def give(self, *bodies: bytes, redelivered: bool = False, count: int = 0) -> None:
        """One read of the socket; with a `count`, each came back so often."""
        given = []
        headers = {"x-delivery-count": count} if count else {}
        for body in bodies:
            self._tag += 1
            again = redelivered or count > 0
            given.append(Delivery(body, headers=headers, redelivered=again, tag=self._base + self._tag))
        self._receive(given)

    def fail(self, error: Exception) -> None:
        """The connection is lost."""
        self.error = error
        self._ended()

    async def open(self, *, again: bool) -> str | None:
        self.calls.append("open")
        if self.refuse is not None:
            raise self.refuse
        return self.reason if again else None

    async def consume(self, prefetch: int, *, one_first: bool = False) -> None:
        self.calls.append("consume")
        self.one_first = one_first
        if self.refuse_consume is not None:
            raise self.refuse_consume
        self.prefetch = prefetch
        if self.early:
            self.give(*self.early)
        await self.answers.wait()

    def let_others_come(self) -> bool:
        self.calls.append("others")
        return self.prefetch > 1

    async def waiting(self) -> int | None:
        return self.messages

    def ack(self, tag: int, *, multiple: bool) -> None:
        self.acks.append((tag, multiple))

    def let_read(self, room: bool) -> None:
        self.reading = room

    async def close(self, left: Sequence[int] = ()) -> None:
        self.left += left
        if self.calls[-1] != "close":
            self.calls.append("close")
        if self.late:
            late, self.late = self.late, ()
            self.give(*late)

    def abort(self) -> None:
        self.calls.append("abort")


class Reading:
    """A reader of these connections, one after the other; the last one again and again."""

    def __init__(self, *consumers: ScriptedConsumer, **options: Any) -> None:
        self.clock = FakeClock()
        self.made: list[ScriptedConsumer] = []
        given: dict[str, Any] = {
            "prefetch": 5000,
            "max_unsettled_bytes": 1000,
            "redelivers": True,
            "attempts": None,
            "depth": None,
        }
        given.update(options)

        def make(generation: int, receive: Any, ended: Any, base: int) -> Any:
            consumer = consumers[min(generation, len(consumers) - 1)]
            consumer.bind(receive, ended, base)
            self.made.append(consumer)
            return consumer

        self.reader = Reader(make, shown="amqp://h", clock=self.clock, **given)

    async def pass_pause(self) -> None:
        """Let the time until the next attempt go by, however long it is."""
        await self.clock.until_sleeping()
        self.clock.turn(CAP_SECONDS)

    async def __aenter__(self) -> Reader:
        self.reader.begin()
        self.reader.start()
        return self.reader

    async def __aexit__(self, *_: object) -> None:
        await self.reader.close()
