"""The task that keeps a connection: connects, consumes, acknowledges, connects again."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

import structlog

from bridge.clients.backoff import Backoff
from bridge.clients.outage import Outage, brief
from bridge.clock import Clock
from bridge.errors import BridgeError, ConfigError, ConnectError, CredentialsError, SourceError
from bridge.model import Delivery
from bridge.sources.amqp.arrivals import Arrivals
from bridge.sources.amqp.consumer import QueueConsumer
from bridge.sources.amqp.depth import Depth
from bridge.sources.amqp.refusal import BROKEN, TOO_LATE
from bridge.sources.amqp.suspicion import Suspicion
from bridge.sources.amqp.window import Window
from bridge.weight import weigh

Consumers = Callable[[int, Callable[[list[Delivery]], None], Callable[[], None], int], QueueConsumer]
"""Makes the unopened consumer of a generation (0, 1, 2 ...) from: generation, receive, ended, tag_base."""

_GOOD_SECONDS = 5.0
"""A connection that lived this long was a good one: the next attempt starts with the shortest delay again."""

_CLOSE_SECONDS = 4.0
"""For the last acks and the farewell; past it the socket is cut. Above what `Connection.close` takes at most."""

_log = structlog.get_logger()


class Reader:
    """
    Runs one consumer after the other until told to close. Belongs to one event loop.

    Args:
        consumers: makes them.
        shown: the broker, as logs show it.
        prefetch: the most deliveries unsettled per connection.
        max_unsettled_bytes: with so many bytes unsettled, reading pauses.
        redelivers: whether what was not settled comes again over the next connection.
        depth: of the queue, watched while there is a connection; None: it is not.
        attempts: after so many the first connection is given up, with the last one's error. None: never.
        clock: dates gaps, times attempts.
    """

    def __init__(
        self,
        consumers: Consumers,
        *,
        shown: str,
        prefetch: int,
        max_unsettled_bytes: int,
        redelivers: bool,
        depth: Depth | None,
        attempts: int | None,
        clock: Clock,
    ) -> None:
        self.connected = False
        """Whether a connection was ever made."""
        self.failure: BridgeError | None = None
        """What ended it."""
        self.arrivals = Arrivals()
        self.changed = asyncio.Event()
        """Set when something arrived, when the first connection was made, and at the end."""
        self._consumers = consumers
        self._shown = shown
        self._prefetch = prefetch
        self._max_bytes = max_unsettled_bytes
        self._redelivers = redelivers
        self._attempts = attempts
        self._depth, self._clock = depth, clock
        self._window = Window(max_unsettled_bytes)
        self._suspicion = Suspicion(shown, counted=redelivers)
        self._outage = Outage(shown, clock, BROKEN)
        self._backoff = Backoff(clock)
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._started = self._stopped = self._closing = False
        self._consuming = self._ever_consumed = self._asking = self._too_late = False
        self._newest: QueueConsumer | None = None  # whose deliveries come: the last one made
        self._serving: QueueConsumer | None = None
        """The consumer of the connection that stands; None while there is none."""
        self._generation = -1
        self._early: list[Delivery] = []  # what came before it was known whether a Gap stands before it

    @property
    def ended(self) -> bool:
        """Whether nothing more will arrive."""
        return self._stopped or (self._task is not None and self._task.done())

    def begin(self) -> None:
        """Start to connect."""
        self._task = asyncio.create_task(self._run(), name=f"amqp {self._shown}")
        self._task.add_done_callback(self._end)

    def start(self) -> None:
        """Ask the broker for deliveries, on this connection and every later one."""
        self._started = True
        self._wake.set()

    def settle(self, deliveries: Sequence[Delivery]) -> None:
        """
        They may be acknowledged: that is sent at once. A turn of the loop later the sink may have sent what comes next,
        and a busy machine gives the processor to who receives that: for 10 ms, in which a crash would repeat them.
        """
        reached = self._window.settle(deliveries)
        serving = self._serving
        if serving is not None:
            if reached is not None:
                serving.ack(reached, multiple=True)
            self._pace(serving)
        if self._too_late and not self._window.owed:
            self._wake.set()

    def stop(self) -> None:
        """
        Take no more, and connect no more; what was delivered may still be settled. What the broker still sends is
        thrown away, and comes again to the next one, see `QueueConsumer.close`.
        """
        self._stopped = True
        if self._serving is None and self._task is not None:
            self._task.cancel()
        self.changed.set()

    async def close(self) -> None:
        """Acknowledge what is settled, disconnect; within 5 s also when the broker hangs. Safe twice."""
        self.stop()
        self._closing = True
        self._wake.set()
        if self._task is None:
            return
        try:
            await asyncio.wait({self._task}, timeout=_CLOSE_SECONDS)
            if not self._task.done():
                _log.warning("connection not closed in time", broker=self._shown)
        finally:
            self._task.cancel()
        await asyncio.wait({self._task})

    # The task.

    async def _run(self) -> None:
        while not self._stopped:
            await self._serve(await self._connect())

    def _end(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            if isinstance(error, BridgeError):
                self.failure = error
            else:
                _log.error("amqp reader failed", broker=self._shown, exc_info=error)
                self.failure = SourceError(f"{self._shown}: {type(error).__name__}: {brief(error)}")
                self.failure.__cause__ = error
        self.changed.set()

    async def _connect(self) -> QueueConsumer:
        """The next consumer, open."""
        while True:
            self._generation += 1
            self._window.settle(self._early)  # came while the last one was closed: the broker gives them again
            self._window.begin(self._generation)
            self._suspicion.begin()
            self._consuming, self._early = False, []
            consumer = self._consumers(self._generation, self._receive, self._wake.set, self._window.base)
            self._newest = consumer
            try:
                reason = await consumer.open(again=self.connected)
                await self._consume(consumer)  # here: what refuses it over and over is one outage
            except (ConnectError, CredentialsError) as error:
                await self._give_up(consumer)
                if not self.connected and self._generation + 1 == self._attempts:
                    raise
                self._outage.attempt_failed(error)
                await self._backoff.wait()
            except BaseException:
                await self._give_up(consumer)
                raise
            else:
                self._welcome(consumer, reason)
                return consumer

    async def _give_up(self, consumer: QueueConsumer) -> None:
        self._window.settle(self._early)  # the broker gives them again
        self._early = []
        consumer.abort()
        await consumer.close()

    def _welcome(self, consumer: QueueConsumer, reason: str | None) -> None:
        if self._redelivers and reason is None:
            self._window.settle(self.arrivals.forget())
        gap = self._outage.end(reason, consumer.heard_at)
        if gap is not None:
            self.arrivals.put([gap], 0)
        self._serving = consumer
        early, self._early = self._early, []
        self.arrivals.put(early, weigh(early)[1])
        self._pace(consumer)
        self.connected = True
        self.changed.set()

    async def _serve(self, consumer: QueueConsumer) -> None:
        """Until closed, or the connection is lost."""
        since = self._clock.monotonic()
        try:
            async with self._watching(consumer):
                await self._pump(consumer)
        except Exception as error:
            self._serving = None
            heard_at, lived = consumer.heard_at, self._clock.monotonic() - since
            if self._is_final(error):
                raise
            self._suspicion.survive()
            self._too_late = isinstance(error, TOO_LATE)
            self._outage.begin(error, heard_at, lived=lived)
            await consumer.close()
            if lived >= _GOOD_SECONDS:
                self._backoff.reset()
            await self._backoff.wait()
        else:
            await consumer.close(self._window.left())
        finally:
            self._serving = None
            consumer.abort()
            await consumer.close()

    def _watching(self, consumer: QueueConsumer) -> contextlib.AbstractAsyncContextManager[None]:
        if self._depth is None:
            return contextlib.nullcontext()
        return self._depth.watched(consumer.waiting, lambda: self._window.mean_size)

    def _is_final(self, error: Exception) -> bool:
        """Whether waiting cannot help, or is not wanted before the first deliveries."""
        refused = isinstance(error, CredentialsError) and self._attempts is not None and not self._ever_consumed
        return refused or isinstance(error, ConfigError)

    async def _pump(self, consumer: QueueConsumer) -> None:
        while not self._closing:
            if consumer.error is not None:
                raise consumer.error
            await self._consume(consumer)
            self._wake.clear()
            if consumer.error is None and not self._closing:
                await self._wake.wait()

    async def _consume(self, consumer: QueueConsumer) -> None:
        """
        Ask for deliveries, once, when that is wanted and needed. Where the sink was too slow for the last connection
        only once it has caught up: the same again would only be too late again.
        """
        if not self._started or self._consuming or self._stopped or (self._too_late and self._window.owed):
            return
        self._asking = True
        try:
            await consumer.consume(self._prefetch_that_fits(), one_first=self._suspicion.alone)
        finally:
            self._asking = False
        self._consuming, self._ever_consumed, self._too_late = True, True, False
        if self._serving is not None:
            self._pace(consumer)

    # Deliveries.

    def _receive(self, deliveries: list[Delivery]) -> None:
        """From the connection, one list per socket read."""
        alone = self._suspicion.alone
        if alone and self._suspicion.clears(deliveries) and self._newest is not None:
            self._suspicion.alone = not self._newest.let_others_come()  # also when stopped, for their order
        if self._stopped:
            return  # they are not settled, so the broker keeps them
        if alone:
            deliveries = self._suspicion.judge(deliveries)
        size = self._window.take(deliveries)
        if self._serving is None:
            self._early += deliveries
            return
        self.arrivals.put(deliveries, size)
        self._pace(self._serving)
        self.changed.set()

    def _pace(self, consumer: QueueConsumer) -> None:
        """Read while there is room for what comes, or an answer is awaited."""
        consumer.let_read(self._asking or self._window.room > 0)

    def _prefetch_that_fits(self) -> int:
        """
        What `max_unsettled_bytes` holds of bodies as large as those seen so far, at most `prefetch`.

        A window that overflows pauses reading, and a broker that cannot send for 15 s closes the connection
        (RabbitMQ's `send_timeout`): the next one then asks for less instead of running into the same again.
        """
        mean = self._window.mean_size
        return self._prefetch if mean <= 0 else max(1, min(self._prefetch, int(self._max_bytes / mean)))
