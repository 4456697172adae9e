"""The source for RabbitMQ: queue and binding of its own, read over AMQP 0-9-1."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType, TracebackType
from typing import Self

from bridge.clients.queue import QueuePlan, QueueType
from bridge.clock import Clock, SystemClock
from bridge.errors import ConfigError, EndOfStream
from bridge.model import Delivery, Gap
from bridge.sources.amqp.address import addresses
from bridge.sources.amqp.consumer import QueueConsumer
from bridge.sources.amqp.depth import Depth
from bridge.sources.amqp.reader import Reader
from bridge.telemetry import Counters

_NOTHING: Mapping[str, str] = MappingProxyType({})
_SYSTEM_CLOCK = SystemClock()


class AmqpSource:
    """
    Fulfils `bridge.sources.Source` for RabbitMQ, on the event loop alone.

    - `quorum`: at least once, from the durable queue `celeryev.bridge.<group>`. Acknowledged when settled. A queue
      deleted under us is a Gap with reason `queue-deleted`.
    - `transient`: while connected, from an exclusive queue that goes with the connection. A reconnect is a Gap with
      reason `disconnected`.
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
        counters: Counters | None = None,
        clock: Clock = _SYSTEM_CLOCK,
    ) -> None:
        """
        Args:
            url: of the broker, or several separated by `;` that are tried in turn; see `amqp.address`.
            queue_type: durable and shared by restarts, or gone with the connection.
            group: names the durable queue.
            queue_args: arguments of the queue that replace ours, as text.
            prefetch: the most deliveries unsettled.
            max_unsettled_bytes: of bodies; above it reading pauses.
            fail_fast: give up when each broker of the URL was tried once.
            counters: told how much waits in the durable queue. None: nobody wants to know.
            clock: dates deliveries, times heartbeats and attempts.

        Raises:
            ConfigError: any of these can never work, with all problems.
        """
        problems: list[str] = []
        if prefetch < 1:
            problems.append(f"prefetch {prefetch}: at least 1")
        if max_unsettled_bytes < 1:
            problems.append(f"max unsettled bytes {max_unsettled_bytes}: at least 1")
        with _collecting(problems):
            self._addresses = addresses(url)
        with _collecting(problems):
            self._plan = QueuePlan(queue_type, group, queue_args)
        if problems:
            raise ConfigError(problems)
        self._clock = clock
        self._begun = False
        self._reader = Reader(
            self._consumer,
            shown=self.shown,
            prefetch=prefetch,
            max_unsettled_bytes=max_unsettled_bytes,
            redelivers=not self._plan.transient,
            depth=None if counters is None or self._plan.transient else self._depth(counters),
            attempts=len(self._addresses) if fail_fast else None,
            clock=clock,
        )

    @property
    def shown(self) -> str:
        """The broker without user, password and parameters, as logs may show it."""
        return ";".join(address.shown for address in self._addresses)

    def _depth(self, counters: Counters) -> Depth:
        return Depth(self._plan.arguments(), shown=self.shown, counters=counters, clock=self._clock)

    def _consumer(
        self, generation: int, receive: Callable[[list[Delivery]], None], ended: Callable[[], None], tag_base: int
    ) -> QueueConsumer:
        address = self._addresses[generation % len(self._addresses)]
        return QueueConsumer(address, self._plan, receive=receive, ended=ended, tag_base=tag_base, clock=self._clock)

    async def __aenter__(self) -> Self:
        """
        As `Source.__aenter__`: connects, declares and binds.

        Raises:
            ConfigError: the queue exists with other arguments, or cannot be.
            ConnectError, CredentialsError: with fail_fast.
        """
        reader = self._reader
        if not self._begun and not reader.ended:
            self._begun = True
            reader.begin()
            try:
                while not (reader.connected or reader.ended):
                    reader.changed.clear()
                    await reader.changed.wait()
                if reader.failure is not None:
                    raise reader.failure
            except BaseException:
                await reader.close()
                raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """As `Source.__aexit__`: sends the last acks and disconnects, within 5 s also when the broker hangs."""
        await self._reader.close()

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
        reader = self._reader
        await asyncio.sleep(0)  # what has arrived must not keep the loop from its other tasks
        while True:
            items = reader.arrivals.take()
            if items:
                return items
            if reader.failure is not None:
                raise reader.failure
            if reader.ended:
                raise EndOfStream
            reader.changed.clear()
            await reader.changed.wait()

    def settle(self, deliveries: Sequence[Delivery]) -> None:
        """As `Source.settle`; the ack leaves before this returns."""
        self._reader.settle(deliveries)

    def stop(self) -> None:
        """As `Source.stop`."""
        self._reader.stop()


@contextlib.contextmanager
def _collecting(problems: list[str]) -> Iterator[None]:
    """All problems are told at once: a ConfigError of the block is noted and the next thing is looked at."""
    try:
        yield
    except ConfigError as error:
        problems += error.problems
