"""One source to one sink: pump, settle, and the one queue between them."""

import asyncio
from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext, suppress
from typing import Protocol

import structlog

from bridge.capture import Capture
from bridge.caution import Caution
from bridge.clock import Clock, SystemClock
from bridge.errors import EndOfStream, SinkError, TurnLostError
from bridge.model import Delivery, Gap
from bridge.pipeline import Pipeline, Transformed
from bridge.sinks import Sink
from bridge.sources import MAX_READ_ITEMS, Source
from bridge.telemetry import Counters, Status
from bridge.weight import weigh

log = structlog.get_logger()

SENDS_IN_FLIGHT = 4
"""Sends accepted and not yet confirmed: enough to hide Kafka's round trip, few enough to bound what a crash repeats."""

REACH = (SENDS_IN_FLIGHT + 2) * MAX_READ_ITEMS
"""Deliveries that a chain can have looked at while nothing is confirmed: of the sends in flight, of one that waits to
be among them, and of one more."""

_LONG = 100
"""Deliveries whose transformation takes a millisecond or more, in which nothing else is done."""

_TURNS = 8
"""Of the loop: six from Kafka's answer in the socket to the acknowledgement at RabbitMQ, and two more."""

_IDLE_SECONDS = 1.0
"""A source that gives nothing for so long after its start has nothing."""

_REST_SECONDS = 1.0
"""For a last word to who counts."""


class Memory(Protocol):
    """What a chain knows from before its start, and leaves to the next one. See `bridge.warm`."""

    async def recall(self, pipeline: Pipeline | Capture, position: bytes | None) -> None:
        """
        Give the pipeline the state as it was at `position`, as far as that can be known. Called before the source is
        started; bounded in time, and never raises but when cancelled.
        """
        ...

    def keeping(self, pipeline: Pipeline | Capture) -> AbstractAsyncContextManager[None]:
        """Keep the state for the next process while the block runs, and once more when it ends without an error."""
        ...


class Counting(Protocol):
    """Counts who began to look at what lies behind the position: `begin` and `rest` of `Sink`, whoever has them."""

    async def begin(self) -> int: ...

    async def rest(self) -> None: ...


class Chain:
    """
    pump:    read -> transform -> send -> in_flight.put((confirmation, batch))
    settle:  in_flight.get -> await confirmation -> source.settle(deliveries)      the only arrow back

    Start: source connects (its queue keeps events from then on) -> sink connects -> acquire -> resume -> recall the
    state -> start. So nothing is lost while the sink is still down, and a standby fences nobody.

    Stop: only the source is stopped; everything behind it drains by itself.

    When another replica has taken the turn to read, both ends are left, what is unsettled is forgotten (the other one
    reads it), and the start begins anew: it waits for its turn again.

    Args:
        memory: of the state; None: it begins empty and ends with the process.
        counting: the source, where its broker keeps the position; None: the sink counts, or nobody.
        max_unsettled_bytes: bodies read and not yet settled; above it nothing more is read from the source.
    """

    def __init__(
        self,
        label: str,
        source: Source,
        sink: Sink,
        pipeline: Pipeline | Capture,
        *,
        counters: Counters | None = None,
        memory: Memory | None = None,
        counting: Counting | None = None,
        max_unsettled_bytes: int = 64 * 1024 * 1024,
        clock: Clock | None = None,
    ) -> None:
        self.label = label
        self.counters = counters or Counters()
        self.pipeline = pipeline
        self.status = Status.STARTING
        self._source = source
        self._sink = sink
        self._memory = memory
        self._counting = counting or sink
        self._clock = clock or SystemClock()
        self._stopped = asyncio.Event()
        self._max_unsettled_bytes = max_unsettled_bytes
        self._unsettled_bytes = 0
        self._room = asyncio.Event()
        self._room.set()
        self._in_flight: asyncio.Queue[tuple[Awaitable[None], Transformed, int] | None] = asyncio.Queue(SENDS_IN_FLIGHT)
        """Confirmation, what it confirms, and bytes of its bodies."""
        self._oldest: list[float] = []
        """When each unsettled batch was read, monotonic seconds, oldest first: at most SENDS_IN_FLIGHT and two more."""

    @property
    def lag_seconds(self) -> float:
        """How long the oldest unsettled batch has been waiting; 0 when none is."""
        return self._clock.monotonic() - self._oldest[0] if self._oldest else 0.0

    @property
    def events_lost_estimate(self) -> int:
        """Events that workers sent and we never received, by the workers' own counters; see `bridge.loss`."""
        return self.pipeline.losses.events(self.counters.received, self.pipeline.state.starts)

    def stop(self) -> None:
        """Stop reading; `run` returns when what was read is delivered. Safe twice, before `run`, in a handler."""
        self._stopped.set()
        self.status = Status.STOPPING
        self._source.stop()

    async def run(self) -> None:
        """
        Connect both ends and move events until the source ends or `stop` is called.

        Cancelling it leaves what is unsettled with the broker.

        Raises:
            InvalidEventError: the pipeline met an invalid event and is to fail; what came before it is settled.
            BridgeError: an end cannot go on, with the reason.
        """
        try:
            while True:
                try:
                    return await self._live()
                except TurnLostError as lost:
                    self._leave_to_the_other(lost)
        finally:
            self.status = Status.STOPPED

    async def _live(self) -> None:
        """From the start to the end, or until the turn is lost."""
        async with AsyncExitStack() as ends:
            await ends.enter_async_context(self._source)
            if not await self._unless_stopped(ends.enter_async_context(self._sink)):
                return
            if not await self._unless_stopped(self._source.acquire()):
                return
            resuming = asyncio.ensure_future(self._sink.resume())
            if not await self._unless_stopped(resuming):
                return
            position = resuming.result()
            beginning = asyncio.ensure_future(self._counting.begin())  # now: what is recalled may be deadly as well
            if not await self._unless_stopped(beginning):
                return
            caution = Caution(beginning.result(), REACH, gaps_move=position is not None)
            memory = None if caution.alone else self._memory
            if memory and not await self._unless_stopped(memory.recall(self.pipeline, position)):
                await self._rest()
                return
            await self._source.start(position)
            if not self._stopped.is_set():
                self.status = Status.OK
                log.info("chain started", cluster=self.label)
            async with self._memory.keeping(self.pipeline) if self._memory else nullcontext():
                await self._move(caution)
            if self.pipeline.invalid is not None:
                raise self.pipeline.invalid

    def _leave_to_the_other(self, lost: TurnLostError) -> None:
        """Nothing of what is unsettled is ours any more."""
        log.warning("chain begins anew", cluster=self.label, reason=str(lost), unsettled=self.counters.unsettled)
        if not self._stopped.is_set():
            self.status = Status.STARTING
        self.counters.forgot()
        self._in_flight = asyncio.Queue(SENDS_IN_FLIGHT)
        self._oldest.clear()
        self._unsettled_bytes = 0
        self._room.set()

    async def _unless_stopped(self, step: Awaitable[object]) -> bool:
        """Wait for a step of the start, or give it up when the chain is stopped first; whether it was done."""
        doing = asyncio.ensure_future(step)
        stopped = asyncio.ensure_future(self._stopped.wait())
        try:
            await asyncio.wait({doing, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if doing.done():
                await doing
                return not self._stopped.is_set()
            return False
        finally:
            for task in (doing, stopped):
                task.cancel()
            await asyncio.gather(doing, stopped, return_exceptions=True)

    async def _rest(self) -> None:
        """Nothing was read. Not waited for when who counts is away; one that cannot go on says so soon enough."""
        with suppress(TimeoutError, SinkError):
            async with asyncio.timeout(_REST_SECONDS):
                await self._counting.rest()

    async def _move(self, caution: Caution) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pump(caution), name=f"pump {self.label}")
                tasks.create_task(self._settle(), name=f"settle {self.label}")
        except ExceptionGroup as errors:
            reason = errors.exceptions[0]  # one chain ends for one reason: the other task was only cancelled
            raise reason from reason.__cause__  # kept: a reader that left is told from a full disk by it

    async def _first(self) -> list[Delivery | Gap]:
        """The first read. While there is nothing to read, nobody looks at anything: who dies then, dies of nothing."""
        reading = asyncio.ensure_future(self._source.read())
        idling = asyncio.ensure_future(self._clock.sleep(_IDLE_SECONDS))
        try:
            await asyncio.wait({reading, idling}, return_when=asyncio.FIRST_COMPLETED)
            if reading.done() and reading.exception() is None:
                return reading.result()
            await self._rest()
            items = await reading
            await self._counting.begin()
            return items
        finally:
            for task in (reading, idling):
                task.cancel()
            await asyncio.gather(reading, idling, return_exceptions=True)

    async def _pump(self, caution: Caution) -> None:
        """Read, transform and send until the source ends; a None in the queue tells the settler."""
        source, sink, pipeline = self._source, self._sink, self.pipeline
        read = self._first
        while not pipeline.done:
            await self._room.wait()
            try:
                items = await read()
            except EndOfStream:
                break
            read = source.read
            while items and not pipeline.done:
                alone = caution.alone
                self._oldest.append(self._clock.monotonic())
                batch = pipeline.transform(caution.next(items))
                size = self._took(batch)
                confirmation = await sink.send(batch.records, batch.position)
                await self._in_flight.put((confirmation, batch, size))
                items = items[batch.taken :]
                if alone:
                    await self._in_flight.join()
                elif batch.taken >= _LONG:
                    await _let_settle()
        source.stop()
        await self._in_flight.put(None)

    async def _settle(self) -> None:
        """Settle batches in the order of sending, each when all its records are durable."""
        while (sent := await self._in_flight.get()) is not None:
            confirmation, batch, size = sent
            await confirmation
            self._source.settle(batch.deliveries)
            self.counters.settled(batch.tally, len(batch.deliveries))
            self._oldest.pop(0)
            self._unsettled_bytes -= size
            if self._unsettled_bytes < self._max_unsettled_bytes:
                self._room.set()
            self._in_flight.task_done()

    def _took(self, batch: Transformed) -> int:
        """Count what was transformed; returns the bytes of its bodies."""
        redelivered, size = weigh(batch.deliveries)
        self.counters.took(batch.tally, len(batch.deliveries), redelivered)
        self.counters.gaps += batch.gaps
        self._unsettled_bytes += size
        if self._unsettled_bytes >= self._max_unsettled_bytes:
            self._room.clear()
        return size


async def _let_settle() -> None:
    """
    What was confirmed while something long was done is settled before the next begins, else it would wait for that too,
    and a crash meanwhile would repeat it. And what was sent goes out, so that the sink's other end works meanwhile.
    """
    for _ in range(_TURNS):
        await asyncio.sleep(0)
