"""How much waits in our queue, and how near that is to the cap above which the broker drops the oldest."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import structlog

from bridge.clock import Clock
from bridge.telemetry import Counters

ASK_SECONDS = 10.0
"""Between two looks: as often as the summary is written. RabbitMQ answers each from what the queue's leader told last,
without touching the queue's log."""

WARN_SHARE, CALM_SHARE = 0.8, 0.75
"""Of the cap: from the first on it is told, below the second that it is over. Not the same, so that a queue that stays
near the first is told once."""

TYPICAL_BYTES = 800
"""Of a body, until one was delivered: while the sink is down none is, and that is when a queue fills. Celery's lists
and single events mixed have 880 bytes a message, single ones 360 to 660."""

_log = structlog.get_logger()


class Depth:
    """
    Belongs to one event loop, over all connections of a source.

    The broker tells the messages, not their bytes: against `x-max-length-bytes` they are taken to be as large as those
    that were delivered, before the first one TYPICAL_BYTES. What a policy of the broker bounds is not known here. What
    was delivered and is not acknowledged is in neither: RabbitMQ holds only what is ready against the cap of a quorum
    queue (`is_over_limit` of rabbit_fifo).

    Args:
        arguments: what the queue is declared with.
        shown: the broker, as logs show it.
        counters: get `queue_messages`.
        clock: times the looks.
    """

    def __init__(
        self,
        arguments: Mapping[str, object],
        *,
        shown: str,
        counters: Counters,
        clock: Clock,
    ) -> None:
        self._max_messages = _whole(arguments, "x-max-length")
        self._max_bytes = _whole(arguments, "x-max-length-bytes")
        self._shown = shown
        self._counters = counters
        self._clock = clock
        self._near = False

    @contextlib.asynccontextmanager
    async def watched(
        self, ask: Callable[[], Awaitable[int | None]], mean_bytes: Callable[[], float]
    ) -> AsyncIterator[None]:
        """
        Look now and then while the block runs. Behind it the depth is unknown.

        Args:
            ask: gives the messages that are ready; None when that cannot be known now. Must not raise.
            mean_bytes: of a body, over those that were delivered; 0 when none was.
        """
        watch = asyncio.create_task(self._watch(ask, mean_bytes), name=f"queue depth {self._shown}")
        try:
            yield
        finally:
            watch.cancel()
            await asyncio.wait({watch})
            self._counters.queue_messages = None

    async def _watch(self, ask: Callable[[], Awaitable[int | None]], mean_bytes: Callable[[], float]) -> None:
        while True:
            await self._clock.sleep(ASK_SECONDS)
            messages = self._counters.queue_messages = await ask()
            if messages is not None:
                self._judge(messages, self._share(messages, mean_bytes()))

    def _judge(self, messages: int, share: float) -> None:
        if share >= WARN_SHARE and not self._near:
            self._near = True
            _log.warning(
                "queue nearly full: above its cap the broker drops the oldest events",
                broker=self._shown,
                queue_messages=messages,
                full_percent=int(share * 100),
            )
        elif share < CALM_SHARE and self._near:
            self._near = False
            _log.info("queue no longer nearly full", broker=self._shown, queue_messages=messages)

    def _share(self, messages: int, mean_bytes: float) -> float:
        """Of the cap that is nearer; 0 when there is none, or none is known."""
        shares = [0.0]
        if self._max_messages:
            shares.append(messages / self._max_messages)
        if self._max_bytes:
            shares.append(messages * (mean_bytes or TYPICAL_BYTES) / self._max_bytes)
        return max(shares)


def _whole(arguments: Mapping[str, object], name: str) -> int:
    """A cap that is a number; 0 when there is none. The broker judges one that is something else."""
    value = arguments.get(name)
    return value if isinstance(value, int) else 0
