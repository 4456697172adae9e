"""The source for Redis, Valkey and their sentinels."""

import asyncio
import ssl
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import hiredis
import structlog

from bridge.clients.backoff import Backoff
from bridge.clients.outage import Outage, brief
from bridge.clock import Clock, SystemClock
from bridge.errors import BridgeError, ConnectError, CredentialsError, EndOfStream, SourceError
from bridge.model import Delivery, Gap
from bridge.sources.inbox import Inbox
from bridge.sources.redis.address import addresses
from bridge.sources.redis.envelope import Envelopes
from bridge.sources.redis.subscriber import Subscriber
from bridge.sources.redis.wire import Wire

BUFFER_BYTES = 256 * 1024 * 1024
"""Held of what the chain has not taken: some 250,000 events, a minute of a sink that is away at 4,000 a second."""

_DELIVERY_BYTES = 200
"""What a delivery takes besides its body: the object, its bytes object's head, its time, its place in the list."""

_EAGER_SECONDS = 0.1
"""The longest pause before the next attempt: what is published until then is lost. An attempt costs 0.3 ms."""

_SILENT_BEATS = 4
"""So many intervals without a sign of life, three pings of them unanswered, are a dead connection."""

_MASTER_SECONDS = 5.0
"""Between two questions to the sentinels, whether ours is still the master: a demoted one may stay connected."""

_GOOD_SECONDS = 5.0
"""A connection that lived this long was a good one: the next refusal is the first again."""

_SYSTEM_CLOCK = SystemClock()

_log = structlog.get_logger()


class RedisSource:
    """
    Fulfils `bridge.sources.Source` for Redis: at most once, because publish/subscribe keeps nothing.

    What can be missing is told: a connection that was lost is a Gap with reason `disconnected`, from the last moment
    that nothing can have been missed until the new subscription was confirmed; what the chain did not take in time and
    the memory cannot hold is one with `overflow`. Nothing is acknowledged, nothing is left behind on the server.

    Reads the socket whether or not anybody reads the source. Lives on one event loop, without a thread.
    """

    def __init__(
        self,
        url: str,
        *,
        buffer_bytes: int = BUFFER_BYTES,
        fail_fast: bool = False,
        clock: Clock = _SYSTEM_CLOCK,
    ) -> None:
        """
        Args:
            url: of the server, or several separated by `;` that are tried in turn; see `address`.
            buffer_bytes: held of what the chain has not taken, bodies and what each takes besides; the URL's parameter
                of the same name replaces it.
            fail_fast: when no server can be reached at first that is an error.
            clock: dates deliveries and gaps, times pings.

        Raises:
            ConfigError: a URL that can never work, with every problem.
        """
        found = addresses(url)
        self.shown = ";".join(address.shown for address in found)
        """The broker without user, password and parameters, as logs may show it."""
        self._clock = clock
        envelopes = Envelopes()
        self._subscribers = [Subscriber(address, envelopes, clock) for address in found]
        self._inbox = Inbox(clock)
        self._inbox.bound(0, found[0].buffer_bytes or buffer_bytes, overhead=_DELIVERY_BYTES)
        self._attempts = len(found) if fail_fast else None
        self._outage = Outage(self.shown, clock, (OSError, hiredis.HiredisError))
        self._eager = Backoff(clock, cap=_EAGER_SECONDS)
        self._patient = Backoff(clock)
        self._arrived = asyncio.Event()
        self._connected = self._stopped = self._finished = False
        self._failure: BridgeError | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """
        As `Source.__aenter__`: connects and subscribes; from then on events are held in memory.

        Raises:
            ConnectError, CredentialsError: with fail_fast.
        """
        if self._task is None and not self._stopped:
            self._task = asyncio.create_task(self._run(), name=f"redis {self.shown}")
            try:
                while not (self._connected or self._stopped or self._finished):
                    self._arrived.clear()
                    await self._arrived.wait()
                if self._failure is not None:
                    raise self._failure
            except BaseException:
                await self._close()
                raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """As `Source.__aexit__`: Redis forgets a subscriber with its connection, which is cut."""
        await self._close()

    async def _close(self) -> None:
        self.stop()
        if self._task is not None:
            await asyncio.wait({self._task})

    async def acquire(self) -> None:
        """As `Source.acquire`: returns at once, everybody hears everything."""

    async def start(self, position: bytes | None) -> None:
        """As `Source.start`: what was published since the subscription comes first."""

    async def read(self) -> list[Delivery | Gap]:
        """
        As `Source.read`.

        Raises:
            EndOfStream: stopped, and everything was handed out.
            SourceError: a fault of ours.
        """
        await asyncio.sleep(0)  # a full inbox must not keep the loop from its other tasks
        while True:
            items = self._inbox.take()
            if items:
                return items
            if self._failure is not None:
                raise self._failure
            if self._stopped or self._finished:
                raise EndOfStream
            self._arrived.clear()
            await self._arrived.wait()

    def settle(self, deliveries: Sequence[Delivery]) -> None:
        """As `Source.settle`: there is nobody to tell."""

    def stop(self) -> None:
        """As `Source.stop`: the connection is cut."""
        if not self._stopped and self._task is not None:  # once: a second cancel would interrupt the closing
            self._task.cancel()
        self._stopped = True
        self._arrived.set()

    # The task that holds the connection.

    async def _run(self) -> None:
        try:
            while True:
                subscriber, wire = await self._connect()
                await self._serve(subscriber, wire)
        except BridgeError as refused:
            self._failure = refused
        except Exception as bug:  # noqa: BLE001 - a task that dies silently would leave `read` waiting for ever
            _log.exception("redis source failed", broker=self.shown)
            self._failure = SourceError(f"{self.shown}: {type(bug).__name__}: {brief(bug)}")
            self._failure.__cause__ = bug
        finally:
            self._finished = True
            self._arrived.set()

    async def _connect(self) -> tuple[Subscriber, Wire]:
        """The next subscription, by whichever address gives one first, tried in turn."""
        attempt = 0
        while True:
            subscriber = self._subscribers[attempt % len(self._subscribers)]
            attempt += 1
            try:
                wire = await subscriber.connect()
            except (ConnectError, CredentialsError) as error:
                if not self._connected and attempt == self._attempts:
                    raise
                self._outage.attempt_failed(error)
                # Who is not there is asked again soon; who refuses us is not knocked down.
                refuses = isinstance(error, CredentialsError) or isinstance(error.__cause__, ssl.SSLError)
                await (self._patient if refuses else self._eager).wait()
            else:
                self._welcome(wire)
                return subscriber, wire

    def _welcome(self, wire: Wire) -> None:
        gap = self._outage.end("disconnected" if self._connected else None, wire.heard_at)
        self._inbox.put([] if gap is None else [gap])
        self._take(wire.deliver(self._take), wire.whole_at)
        self._connected = True
        self._arrived.set()

    def _take(self, deliveries: list[Delivery], whole_at: float) -> None:
        self._inbox.put(deliveries, whole_until=whole_at)
        self._arrived.set()

    async def _serve(self, subscriber: Subscriber, wire: Wire) -> None:
        """Until the connection is lost."""
        since = self._clock.monotonic()
        watchers = [asyncio.create_task(self._beat(subscriber, wire), name="redis pings")]
        if subscriber.follows:
            watchers.append(asyncio.create_task(self._follow(subscriber, wire), name="redis master"))
        try:
            await asyncio.wait({wire.lost})
        finally:
            for watcher in watchers:
                watcher.cancel()
            await asyncio.wait(watchers)
            await wire.close()
        lived = self._clock.monotonic() - since
        self._outage.begin(wire.lost.result(), wire.whole_at, lived=lived)
        if lived >= _GOOD_SECONDS:
            self._patient.reset()
        else:
            await self._eager.wait()  # one that breaks over and over must not keep the loop busy

    async def _beat(self, subscriber: Subscriber, wire: Wire) -> None:
        """
        Asks for a sign of life at every interval, also of a busy server: its answer tells up to when we are whole.

        Intervals are counted, not seconds: when this machine slept, the server was not silent.
        """
        silent = 0
        while True:
            silent = 0 if wire.ping() else silent + 1
            if silent == _SILENT_BEATS:
                seconds = self._clock.now() - wire.heard_at
                wire.fail(ConnectionAbortedError(f"silent for {seconds:.1f} s"))
                return
            await self._clock.sleep(subscriber.ping_seconds)

    async def _follow(self, subscriber: Subscriber, wire: Wire) -> None:
        """Leaves a server that is no longer the master."""
        while not await subscriber.moved():
            await self._clock.sleep(_MASTER_SECONDS)
        wire.fail(ConnectionAbortedError("no longer the master"))
