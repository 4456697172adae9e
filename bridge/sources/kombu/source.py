"""The source for every broker that kombu speaks to: the event loop's side of it."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType, TracebackType
from typing import Self

import structlog

from bridge.clients.queue import QueuePlan, QueueType
from bridge.clock import Clock, SystemClock
from bridge.errors import BridgeError, ConfigError, EndOfStream
from bridge.model import Delivery, Gap
from bridge.sources.inbox import Inbox
from bridge.sources.kombu.address import addresses
from bridge.sources.kombu.amqp import AmqpLink
from bridge.sources.kombu.link import Link
from bridge.sources.kombu.reader import Reader
from bridge.sources.kombu.redis import RedisLink
from bridge.sources.kombu.virtual import VirtualLink

_LINKS: Mapping[str, Callable[..., Link]] = {"amqp": AmqpLink, "redis": RedisLink, "virtual": VirtualLink}

_CLOSE_SECONDS = 3.0
"""For the last acks and the farewell; past it the socket is cut."""

_ABORT_SECONDS = 2.0
"""For the thread to notice that; past it the thread is left to end by itself (it waits for a name server, say)."""

_NOTHING: Mapping[str, str] = MappingProxyType({})
_SYSTEM_CLOCK = SystemClock()

_log = structlog.get_logger()


class KombuSource:
    """
    Fulfils `bridge.sources.Source` for RabbitMQ, Redis and kombu's other transports.

    What is promised depends on the transport:

    - RabbitMQ, `quorum`: at least once, from the durable queue `celeryev.bridge.<group>`. Acknowledged when settled.
      A queue deleted under us is a Gap with reason `queue-deleted`.
    - RabbitMQ, `transient`: while connected, from an exclusive queue that goes with the connection. A reconnect is a
      Gap with reason `disconnected`.
    - Redis and other fanouts: while connected, and while the chain keeps up: what does not fit into memory is a Gap
      with reason `overflow`, a reconnect one with `disconnected`. Nothing is acknowledged.
    - virtual transports (memory, filesystem ...): acknowledged one by one; unsettled deliveries are put back at close.
      What the transport lost reading is a Gap with reason `unreadable`.

    Lives on one event loop; one thread of its own holds the connection.
    """

    def __init__(
        self,
        url: str,
        *,
        queue_type: QueueType = "quorum",
        group: str = "default",
        queue_args: Mapping[str, str] = _NOTHING,
        prefetch: int = 5000,
        max_unsettled_bytes: int = 64 * 1024 * 1024,
        fail_fast: bool = False,
        clock: Clock = _SYSTEM_CLOCK,
    ) -> None:
        """
        Args:
            url: of the broker, or several separated by `;` that are tried in turn.
            queue_type: durable and shared by restarts, or gone with the connection (AMQP and virtual transports).
            group: names the durable queue; replicas of one group share it.
            queue_args: replace or add arguments of the queue, as text (`true`, `false` and integers are typed).
            prefetch: the most deliveries unsettled at a time.
            max_unsettled_bytes: with so many bytes of bodies unsettled, reading pauses.
            fail_fast: when no server can be reached at first, or the first one reached lets us read nothing, that is
                an error.
            clock: dates deliveries and gaps, times heartbeats.

        Raises:
            ConfigError: a URL, group or number that can never work.
        """
        problems = [
            f"{name} {value}: at least 1"
            for name, value in (("prefetch", prefetch), ("max_unsettled_bytes", max_unsettled_bytes))
            if value < 1
        ]
        with _collecting(problems):
            self._addresses = addresses(url)
        with _collecting(problems):
            self._plan = QueuePlan(queue_type, group, queue_args)
        if problems:
            raise ConfigError(problems)
        self._clock = clock
        self._inbox = Inbox(clock)
        self._arrived, self._finished = asyncio.Event(), asyncio.Event()
        self._begun = self._stopped = False
        self._failure: BridgeError | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reader = Reader(
            self._link,
            self._inbox,
            shown=self.shown,
            prefetch=prefetch,
            max_unsettled_bytes=max_unsettled_bytes,
            attempts=len(self._addresses) if fail_fast else None,
            clock=clock,
            changed=lambda: self._call(self._arrived.set),
            ended=lambda error: self._call(self._end, error),
        )

    @property
    def shown(self) -> str:
        """The broker without user, password and parameters, as logs may show it."""
        return ";".join(address.shown for address in self._addresses)

    def _link(self, generation: int) -> Link:
        address = self._addresses[generation % len(self._addresses)]
        kind = _LINKS[address.kind]
        return kind(address, self._plan, self._clock, generation)

    async def __aenter__(self) -> Self:
        """
        As `Source.__aenter__`: connects, declares and binds, or subscribes.

        Raises:
            ConfigError: the queue exists with other arguments, or cannot be.
            ConnectError, CredentialsError: with fail_fast.
        """
        if not self._begun and not self._stopped:
            self._begun = True
            self._loop = asyncio.get_running_loop()
            self._reader.begin()
            try:
                while not (self._reader.connected or self._stopped or self._finished.is_set()):
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
        """As `Source.__aexit__`: sends the last acks and disconnects, within 5 s also when the server hangs."""
        await self._close()

    async def _close(self) -> None:
        self.stop()
        self._reader.close()
        if not self._begun:
            return
        for seconds in (_CLOSE_SECONDS, _ABORT_SECONDS):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._finished.wait()
                return
            self._reader.abort()
        _log.warning("connection not closed in time", broker=self.shown)

    async def acquire(self) -> None:
        """As `Source.acquire`: returns at once. AMQP never says who is active; the first delivery does."""

    async def start(self, position: bytes | None) -> None:  # noqa: ARG002 - the broker remembers, or nobody does
        """As `Source.start`: what the broker kept comes first."""
        self._reader.start()

    async def read(self) -> list[Delivery | Gap]:
        """
        As `Source.read`.

        Raises:
            EndOfStream: stopped, and everything was handed out.
            ConfigError: the queue was declared anew, with other arguments, by somebody else.
            SourceError: a fault of ours.
        """
        await asyncio.sleep(0)  # a full inbox must not keep the loop from its other tasks
        while True:
            items = self._inbox.take()
            if items:
                return items
            if self._failure is not None:
                raise self._failure
            if self._stopped or self._finished.is_set():
                raise EndOfStream
            self._arrived.clear()
            await self._arrived.wait()

    def settle(self, deliveries: Sequence[Delivery]) -> None:
        """As `Source.settle`; the ack leaves within 20 ms."""
        self._reader.settle(deliveries)

    def stop(self) -> None:
        """As `Source.stop`."""
        self._stopped = True
        self._reader.stop()
        self._arrived.set()

    def _end(self, error: BridgeError | None) -> None:
        self._failure = error
        self._finished.set()
        self._arrived.set()

    def _call(self, callback: Callable[..., None], *arguments: object) -> None:
        """From the thread: run it on the loop, if that still is there."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop was closed over us
                self._loop.call_soon_threadsafe(callback, *arguments)


@contextlib.contextmanager
def _collecting(problems: list[str]) -> Iterator[None]:
    """All problems are told at once: a ConfigError of the block is noted and the next thing is looked at."""
    try:
        yield
    except ConfigError as error:
        problems += error.problems
