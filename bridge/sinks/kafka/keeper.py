"""The task of an open sink: connects, writes until the connection is of no more use, and begins again."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from bridge.clients.backoff import Backoff
from bridge.clock import Clock
from bridge.errors import BlockedError, BridgeError, SinkError
from bridge.sinks.kafka.outage import Outage
from bridge.sinks.kafka.refusal import Refusal, judge
from bridge.sinks.kafka.window import Window

# Giving a producer up takes 4 at most.
_CLOSE_SECONDS = 5.0
# Between two attempts at what Kafka refuses for ever and must not be dropped: somebody has to change a topic first.
BLOCKED_SECONDS = 30.0
# Between two attempts at a record that is refused alone and may not be to blame: 1.6 seconds for a broker to come to
# itself before the record is condemned, and with the search for it some 2 in all.
DOUBT_SECONDS = 0.4

log = structlog.get_logger()


class Keeper:
    """
    Args:
        attempt: connects and writes; in between calls what it is given, when Kafka and the topics are there. Returns
            why it could not go on, and whether anything was written or learnt; what it raises is a failure to connect,
            but for a SinkError, which ends everything.
        window: the sends under way; none is confirmed any more once the keeper has ended.
        fail_fast: what is raised before it is up for the first time ends everything too.
    """

    def __init__(
        self,
        attempt: Callable[[Callable[[], None]], Awaitable[tuple[BaseException, bool]]],
        window: Window,
        outage: Outage,
        clock: Clock,
        *,
        fail_fast: bool,
    ) -> None:
        self._attempt = attempt
        self._window = window
        self._outage = outage
        self._clock = clock
        self._backoff = Backoff(clock)
        self._fail_fast = fail_fast
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._keep(), name="kafka sink")

    async def ready(self) -> None:
        """
        Wait until Kafka was up; closed when it is cancelled.

        Raises:
            BridgeError: it will never be.
        """
        try:
            await asyncio.shield(self._ready)
        except BaseException:
            await self.close()
            raise

    def _up(self) -> None:
        """Kafka and the topics are there."""
        if not len(self._window):
            self._outage.up()
            self._backoff.reset()
        if not self._ready.done():
            self._ready.set_result(None)

    async def close(self) -> None:
        """End, within 5 s whatever Kafka does. Safe twice."""
        self._task.cancel()
        await asyncio.wait({self._task}, timeout=_CLOSE_SECONDS)
        self._window.fail("the Kafka sink was closed before Kafka confirmed")
        if not self._ready.done():
            self._ready.set_result(None)

    async def _keep(self) -> None:
        try:
            while True:
                try:
                    error, progressed = await self._attempt(self._up)
                except SinkError:
                    raise
                except BridgeError as refusal:
                    if self._fail_fast and not self._ready.done():
                        raise
                    self._outage.down(str(refusal), unconfirmed=len(self._window))
                    await self._backoff.wait()
                else:
                    if progressed:
                        self._backoff.reset()
                    await self._pause(error, progressed)
        except BridgeError as failure:
            self._fail(failure)
        except Exception as error:
            log.exception("kafka sink failed unexpectedly")
            self._fail(SinkError(f"the Kafka sink failed: {type(error).__name__}"))

    async def _pause(self, error: BaseException, progressed: bool) -> None:
        """Between two attempts: none after a refusal that is understood, for the next one behaves differently."""
        if judge(error) in {Refusal.TOO_LARGE, Refusal.RECORD}:
            return
        if isinstance(error, BlockedError):
            self._outage.down(str(error), unconfirmed=len(self._window))
            await self._clock.sleep(BLOCKED_SECONDS)
            return
        self._outage.down(f"{type(error).__name__} {error}".strip(), unconfirmed=len(self._window))
        if judge(error) is Refusal.PERHAPS_RECORD and not progressed:
            await self._clock.sleep(DOUBT_SECONDS)
            return
        await self._backoff.wait()

    def _fail(self, error: BridgeError) -> None:
        self._window.fail(error)
        if not self._ready.done():
            self._ready.set_exception(error)
