"""A source whose items, faults and server are in memory."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

from bridge.clock import Clock, SystemClock
from bridge.errors import BridgeError, ConnectError, EndOfStream, TransientError, TurnLostError
from bridge.model import Delivery, Gap
from bridge.sources import MAX_READ_BYTES, MAX_READ_ITEMS

RETRY_SECONDS = 0.01
"""Pause between two attempts to connect: hardly noticed on the system clock, and a FakeClock is turned past it."""


@dataclass(frozen=True, slots=True)
class Drop:
    """In a script: here the connection is lost and made again. What is not settled comes again, `redelivered`."""


Item = bytes | Delivery | Gap | Drop | Exception
"""What a script holds. Bytes are the body of a JSON delivery; an error is raised, once, by the `read` that meets it."""


@dataclass(slots=True)
class _Server:
    """What outlives one source: the items ever fed, and which of them are settled. An item's number is its index."""

    items: list[Item] = field(default_factory=list)
    spent: set[int] = field(default_factory=set)
    """Settled deliveries and gaps that were read: they come again only to a `start` at a position before them."""
    met: set[int] = field(default_factory=set)
    """Faults that were met: they never come again."""
    handed: set[int] = field(default_factory=set)
    settled: list[Delivery] = field(default_factory=list)
    faults: list[BridgeError] = field(default_factory=list)
    """What the next attempts to connect meet, in order."""
    connections: int = 0
    """How many were made so far: a delivery of an older one is stale."""
    up: bool = True
    ended: bool = True
    sources: "list[MemorySource]" = field(default_factory=list)


class MemorySource:
    """
    Fulfils `bridge.sources.Source` without any server, on one event loop.

    It remembers as RabbitMQ does: what is not settled comes again, marked `redelivered`, after a lost connection and
    to the next source (`again`). Every delivery has a position, so `start(position)` goes on after it.
    Once stopped it still hands out what was fed before, as a broker's prefetched deliveries are.
    """

    def __init__(
        self,
        items: Iterable[Item] = (),
        *,
        connect: Iterable[BridgeError] = (),
        ends: bool = True,
        fail_fast: bool = False,
        clock: Clock | None = None,
    ) -> None:
        """
        Args:
            items: what `read` hands out, in order; copied, never mutated.
            connect: what the first attempts to connect meet: a transient error is waited out (raised with
                `fail_fast`), a permanent one is raised.
            ends: raise EndOfStream after the last item, as a file does; False: wait for more to be fed.
            fail_fast: raise ConnectError instead of waiting for the server.
            clock: dates the deliveries given as bytes and times the attempts to connect.
        """
        self._server = _Server(items=list(items), faults=list(connect), ended=ends)
        self._fail_fast = fail_fast
        self._clock = clock or SystemClock()
        self._changed = asyncio.Event()
        self._generation = 0
        self._cursor = 0
        self._end: int | None = None
        self._connected = False
        self._started = False
        self._stopped = False
        self.starts: list[bytes | None] = []

    def again(self, *, fail_fast: bool = False) -> "MemorySource":
        """The next process on the same server: a new source that first gets what this one did not settle."""
        source = MemorySource(fail_fast=fail_fast, clock=self._clock)
        source._server = self._server
        return source

    # What a test does to the server.

    def feed(self, *items: Item) -> None:
        """Add items behind the others; a waiting `read` gets them."""
        self._server.items.extend(items)
        self._wake_all()

    def end(self) -> None:
        """Nothing more will be fed: EndOfStream follows the last item."""
        self._server.ended = True
        self._wake_all()

    def down(self) -> None:
        """The server goes away: connections are lost, and none can be made until `up`."""
        self._server.up = False
        self.drop()

    def up(self) -> None:
        """The server is there again."""
        self._server.up = True
        self._wake_all()

    def drop(self) -> None:
        """Every connection is lost at once; it is made again by the next `read` when the server is up."""
        for source in self._server.sources:
            source._connected = False
        self._wake_all()

    @property
    def settled(self) -> list[Delivery]:
        """What was settled so far, by this source and those before it, in order."""
        return self._server.settled

    @property
    def unsettled(self) -> int:
        """How many deliveries the server still keeps, handed out or not."""
        kept = (n for n, item in enumerate(self._server.items) if n not in self._server.spent)
        return sum(isinstance(self._server.items[n], bytes | Delivery) for n in kept)

    def _wake_all(self) -> None:
        for source in self._server.sources:
            source._changed.set()

    # The contract.

    async def __aenter__(self) -> Self:
        """
        Connect. Returns early when `stop` is called meanwhile.

        Raises:
            ConnectError: the server is down, with `fail_fast`.
            BridgeError: what `connect` scripted.
        """
        if self not in self._server.sources:
            self._server.sources.append(self)
        await self._connect(self._fail_fast)
        return self

    async def _connect(self, fail_fast: bool) -> None:
        while not self._connected and not self._stopped:
            fault = self._server.faults.pop(0) if self._server.faults else None
            if fault is None and self._server.up:
                self._server.connections += 1
                self._generation = self._server.connections
                self._connected = True
                self._cursor = 0  # what is spent is skipped; what was handed out and not settled comes again
                return
            error = fault or ConnectError("the memory server is down")
            if fail_fast or not isinstance(error, TransientError):
                raise error
            await self._pause()

    async def _pause(self) -> None:
        """Sleep RETRY_SECONDS on the clock, or less when something changes."""
        self._changed.clear()
        waits = {asyncio.ensure_future(self._clock.sleep(RETRY_SECONDS)), asyncio.ensure_future(self._changed.wait())}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect; the server keeps what is not settled. Left for a lost turn, it can be entered again."""
        if isinstance(error, TurnLostError):
            self._started = False
        else:
            self.stop()
            self._end = 0
        self._connected = False
        if self in self._server.sources:
            self._server.sources.remove(self)

    async def acquire(self) -> None:
        """Return at once: everybody reads."""

    async def start(self, position: bytes | None) -> None:
        """Begin after the delivery that had `position`; None: at the oldest unsettled one."""
        self.starts.append(position)
        if self._started:
            return
        self._started = True
        if position is not None:
            self._server.spent = set(range(int(position)))
        self._changed.set()

    async def read(self) -> list[Delivery | Gap]:
        """
        Wait for at least one item, as `Source.read` says; each scripted fault is met once.

        Raises:
            EndOfStream: stopped, or ended, and everything was handed out.
            Exception: what the script has here, after the items before it were handed out.
        """
        await asyncio.sleep(0)  # a script that never makes us wait must not keep the loop from the other tasks
        while True:
            if not self._connected and not self._stopped and self._started:
                await self._connect(fail_fast=False)
            if batch := self._take():
                return batch
            if self._stopped or (self._connected and self._server.ended and self._cursor >= len(self._server.items)):
                raise EndOfStream
            if self._connected or not self._started:
                self._changed.clear()
                await self._changed.wait()

    def _take(self) -> list[Delivery | Gap]:
        """
        The next items within the bounds of one read; empty when there is none, or the connection was just lost.

        Raises:
            Exception: the script has it here, and nothing is taken yet.
        """
        batch: list[Delivery | Gap] = []
        size = 0
        end = len(self._server.items) if self._end is None else self._end
        while self._connected and self._started and self._cursor < end and len(batch) < MAX_READ_ITEMS:
            number, item = self._cursor, self._server.items[self._cursor]
            if number in self._server.spent or number in self._server.met:
                self._cursor += 1
                continue
            if isinstance(item, Drop | Exception):
                if not batch:
                    self._meet(number, item)
                break
            made = self._item(number, item)
            size += len(made.body) if isinstance(made, Delivery) else 0
            if batch and size > MAX_READ_BYTES:
                break
            batch.append(made)
            self._server.handed.add(number)
            self._cursor += 1
            if isinstance(made, Gap):
                self._server.spent.add(number)
        return batch

    def _meet(self, number: int, fault: Drop | Exception) -> None:
        self._server.met.add(number)
        if isinstance(fault, Exception):
            raise fault
        self._connected = False

    def _item(self, number: int, item: bytes | Delivery | Gap) -> Delivery | Gap:
        position = str(number + 1).encode()
        if isinstance(item, Gap):
            return replace(item, position=position)
        if isinstance(item, bytes):
            item = Delivery(
                item, content_type="application/json", content_encoding="utf-8", received_at=self._clock.now()
            )
        redelivered = item.redelivered or number in self._server.handed
        return replace(item, tag=(self._generation, number), position=position, redelivered=redelivered)

    def settle(self, deliveries: Sequence[Delivery]) -> None:
        """The server forgets these. Those of a lost connection, and those settled before, are ignored."""
        for delivery in deliveries:
            if not isinstance(delivery.tag, tuple):
                continue
            generation, number = delivery.tag
            if self._connected and generation == self._generation and number not in self._server.spent:
                self._server.spent.add(number)
                self._server.settled.append(delivery)

    def stop(self) -> None:
        """Accept nothing that is fed from now on."""
        if not self._stopped:
            self._stopped = True
            self._end = len(self._server.items) if self._started else 0
        self._changed.set()
