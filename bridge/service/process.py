"""One process: its chains, signals, summaries, and its end."""

import asyncio
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from bridge.chain import Chain
from bridge.clock import Clock, SystemClock
from bridge.config import Config
from bridge.errors import BridgeError, OutputError
from bridge.service.build import alarms, build
from bridge.service.garbage import sparing, tidying

if TYPE_CHECKING:
    from bridge.sources.amqp.alarms import Alarms

log = structlog.get_logger()

SUMMARY_SECONDS = 10.0
"""Between two summary lines: often enough to see a stall, 360 lines an hour at most."""

POLITE_SHARE = 0.75
"""Of the grace period for draining; the rest is for closing what did not drain."""

FORCED = 75  # EX_TEMPFAIL: what was not settled comes again
INTERRUPTED_TWICE = 130  # as a shell reports SIGINT


async def run(config: Config, *, stop: asyncio.Event | None = None, clock: Clock | None = None) -> int:
    """
    Build, start, run until every source ends or a stop is asked for, drain, and say how it ended.

    Args:
        stop: ends it when set, as SIGTERM does; given, no signal handlers are installed.

    Returns:
        The process's exit code: 0 drained, 75 forced while deliveries were unsettled, 130 interrupted twice. An output
        that nobody reads any more is an ordinary end (0) for all commands but `run`.

    Raises:
        ConfigError: with every problem, before anything connects.
        BridgeError: an end cannot go on; its `exit_code` says how.
    """
    clock = clock or SystemClock()
    chains = build(config, clock)
    service = Service(config, chains, clock, alarms(config, clock))
    with sparing(), service.signals() if stop is None else service.stopped_by(stop):
        try:
            return await service.run()
        except OutputError as error:
            if config.quiet_pipe and isinstance(error.__cause__, BrokenPipeError):
                return 0
            raise
        finally:
            service.summarize()


class Service:
    """The chains of one process, who listens for their brokers' alarms meanwhile, and their end."""

    def __init__(
        self, config: Config, chains: Sequence[Chain], clock: Clock, listeners: "Sequence[Alarms]" = ()
    ) -> None:
        self._config = config
        self._listeners = listeners
        self._chains = chains
        self._clock = clock
        self._deadline: asyncio.Timeout | None = None
        self._stopping = False
        self._signals = 0
        self._code = 0
        self._failure: BridgeError | None = None

    async def run(self) -> int:
        """
        Run all chains to their end; returns the exit code.

        When one fails the others are stopped; its error is raised when they have drained, or were forced to end.
        """
        code = 0
        try:
            async with asyncio.timeout(None) as self._deadline, asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(self._run_chain(chain), name=f"chain {chain.label}") for chain in self._chains
                ]
                timers = [
                    tasks.create_task(self._summaries(), name="summaries"),
                    tasks.create_task(tidying(self._clock), name="tidying"),
                    *(tasks.create_task(listener.watch(), name="alarms") for listener in self._listeners),
                ]
                if self._config.duration is not None:
                    timers.append(tasks.create_task(self._stop_after(self._config.duration), name="duration"))
                await asyncio.gather(*running)
                for timer in timers:
                    timer.cancel()
        except TimeoutError:
            code = self._forced()
        if self._failure is not None:
            raise self._failure
        return code

    async def _run_chain(self, chain: Chain) -> None:
        try:
            await chain.run()
        except BridgeError as error:
            self._failed(chain, error)
        if self._failure is not None or chain.pipeline.done:  # the limit is one for all chains
            self.stop()

    def _failed(self, chain: Chain, error: BridgeError) -> None:
        """The first reason is the process's; another one is logged, what the chains share fails them all alike."""
        if self._failure is None:
            self._failure = error
        elif str(error) != str(self._failure):
            log.error("another chain failed", cluster=chain.label, reason=str(error), kind=type(error).__name__)

    def stop(self) -> None:
        """Stop the sources and let everything drain, for three quarters of the grace period. Safe twice."""
        if self._stopping:
            return
        self._stopping = True
        for chain in self._chains:
            chain.stop()
        if self._deadline is not None:
            polite = self._config.shutdown_grace_seconds * POLITE_SHARE
            self._deadline.reschedule(asyncio.get_running_loop().time() + polite)

    def interrupt(self, number: int) -> None:
        """A signal: the first stops, the second forces. What stopped by itself was not asked for twice by the first."""
        self._signals += 1
        if self._signals == 1:
            log.info("stop requested", signal=signal.Signals(number).name)
            self.stop()
        elif self._deadline is not None:
            self._code = INTERRUPTED_TWICE if number == signal.SIGINT else FORCED
            if not self._deadline.expired():  # then it is being forced, in a bounded time
                self._deadline.reschedule(asyncio.get_running_loop().time())

    @contextmanager
    def signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT belong to the service meanwhile."""
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGTERM, signal.SIGINT)
        for number in numbers:
            loop.add_signal_handler(number, self.interrupt, number)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    @contextmanager
    def stopped_by(self, event: asyncio.Event) -> Iterator[None]:
        """An event of the caller's takes the place of the signals."""

        async def wait() -> None:
            await event.wait()
            self.stop()

        waiter = asyncio.create_task(wait(), name="stop")
        try:
            yield
        finally:
            waiter.cancel()

    def summarize(self) -> None:
        """One line a chain: where its events went, and how far behind it is."""
        for chain in self._chains:
            counters = chain.counters
            known = {} if counters.queue_messages is None else {"queue_messages": counters.queue_messages}
            log.info(
                "summary",
                cluster=chain.label,
                received=counters.received,
                delivered=counters.delivered,
                dead_lettered=counters.dead_lettered,
                filtered=counters.filtered,
                unsettled=counters.unsettled,
                redelivered=counters.redelivered,
                gaps=counters.gaps,
                **known,
                events_lost_estimate=chain.events_lost_estimate,
                lag_seconds=round(chain.lag_seconds, 3),
                tasks=len(chain.pipeline.state),
                tasks_evicted=chain.pipeline.state.evicted,
                workers=len(chain.pipeline.state.workers),
            )

    def _forced(self) -> int:
        unsettled = sum(chain.counters.unsettled for chain in self._chains)
        log.warning("stop forced: what is unsettled may be delivered twice", unsettled=unsettled)
        if self._code == INTERRUPTED_TWICE:
            return INTERRUPTED_TWICE
        return FORCED if unsettled else 0

    async def _summaries(self) -> None:
        while True:
            await self._clock.sleep(SUMMARY_SECONDS)
            if self._config.command == "run":  # the others have somebody looking at the events themselves
                self.summarize()

    async def _stop_after(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self.stop()
