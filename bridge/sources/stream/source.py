"""The source for RabbitMQ's streams: the life around its connections."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from types import MappingProxyType, TracebackType
from typing import Self

import structlog

from bridge.clients.queue import QueuePlan
from bridge.clock import Clock, SystemClock
from bridge.errors import ConfigError, EndOfStream
from bridge.model import Delivery, Gap
from bridge.sources.amqp.turn import Turn
from bridge.sources.stream.dial import Dial, places_of
from bridge.sources.stream.history import history
from bridge.sources.stream.intake import Intake
from bridge.sources.stream.messages import offset_of
from bridge.sources.stream.place import read_place
from bridge.sources.stream.reader import Reader

_CLOSE_SECONDS = 3.0
"""For the last position and the farewell; past it the connection is cut."""

_NOTHING: Mapping[str, str] = MappingProxyType({})
_SYSTEM_CLOCK = SystemClock()

_log = structlog.get_logger()


class StreamSource:
    """
    Fulfils `bridge.sources.Source` for the stream `celeryev.bridge.<group>.stream` of a RabbitMQ.

    `start(position)` goes on exactly there (see `messages.position_of`); `start(None)` where the broker's own offset
    tracking says for this group, which is told what is settled at most a second later: at least once. Over AMQP 0-9-1
    (see `Dial`) the broker remembers nothing, so `start(None)` is the oldest message there.

    A lost connection repeats nothing and loses nothing: what was read is held here, and reading goes on behind it.
    Of several replicas of a group one reads: `acquire` waits for the turn, which is held until the source is left. What
    was read is handed out only while it is; when another replica has taken it `read` raises TurnLostError. Then the
    source may be left and entered again.

    Gaps: `truncated` (what the stream's bounds cut off before it was read), `queue-deleted` (while connected),
    `stream-replaced` (it is not the one read before), `unreadable` (a chunk that is broken on the broker's disk).

    Lives on one event loop; one task of its own holds the connection, one the turn.
    """

    def __init__(
        self,
        url: str,
        *,
        group: str = "default",
        queue_args: Mapping[str, str] = _NOTHING,
        prefetch: int = 5000,
        max_unsettled_bytes: int = 64 * 1024 * 1024,
        start: str | None = None,
        remembered: bool = True,
        fail_fast: bool = False,
        clock: Clock = _SYSTEM_CLOCK,
    ) -> None:
        """
        Args:
            url: `amqp[s]://...`, or several separated by `;` that are tried in turn; `?stream_port=` of each.
            group: names the stream, and whose position is remembered.
            queue_args: replace or add arguments of the queue, as text (`true`, `false` and integers are typed).
            prefetch: the most deliveries unsettled at a time, but for the rest of one chunk.
            max_unsettled_bytes: of bodies, likewise.
            start: where to begin whatever is remembered (`place.read_place`); None: where it is remembered.
            remembered: whether the broker is told up to where all is settled, when `start` is given no position; False
                where the sink keeps the position, which is None at its very first start only.
            fail_fast: when no server can be reached at first, or the first one reached lets us read nothing, that is
                an error.
            clock: dates deliveries and gaps, times heartbeats.

        Raises:
            ConfigError: a URL, group, place or number that can never work.
        """
        problems = [
            f"{name} {value}: at least 1"
            for name, value in (("prefetch", prefetch), ("max_unsettled_bytes", max_unsettled_bytes))
            if value < 1
        ]
        with collecting(problems):
            self._places = places_of(url)
        with collecting(problems):
            plan = QueuePlan("stream", group, queue_args)
            self._lock = plan.lock()
            self._dial = Dial(plan, group, prefetch, clock)
        with collecting(problems):
            self.forced = None if start is None else read_place(start)
            """Where `start` begins, whatever it is given; None: there."""
        if problems:
            raise ConfigError(problems)
        self._clock = clock
        self._prefetch, self._max_unsettled_bytes = prefetch, max_unsettled_bytes
        self._remembered, self._fail_fast = remembered, fail_fast
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopped = False
        self._begin()

    def _begin(self) -> None:
        """As if nothing was ever read."""
        self._acquiring = self._left = False
        self._intake = Intake(self._prefetch, self._max_unsettled_bytes, self._clock, changed=self._arrived.set)
        self._reader = Reader(
            self._places,
            self._dial,
            self._intake,
            shown=self.shown,
            forced=self.forced,
            fail_fast=self._fail_fast,
            clock=self._clock,
            changed=self._arrived.set,
        )
        addresses = [address for address, _ in self._places]
        self._turn = Turn(
            addresses, self._lock, fail_fast=self._fail_fast, clock=self._clock, changed=self._arrived.set
        )

    @property
    def shown(self) -> str:
        """The broker without user, password and parameters, as logs may show it."""
        return ";".join(address.shown for address, _ in self._places)

    async def __aenter__(self) -> Self:
        """
        As `Source.__aenter__`: connects, declares and binds.

        Raises:
            ConfigError: the queue exists with other arguments, or cannot be.
            ConnectError, CredentialsError: with fail_fast.
        """
        if self._task is None and not self._stopped:
            if self._left:
                self._begin()
            self._task = asyncio.create_task(self._reader.run(), name=f"stream {self.shown}")
            try:
                while not (self._reader.connected or self._stopped or self._reader.ended):
                    self._arrived.clear()
                    await self._arrived.wait()
                if self._reader.failure is not None:
                    raise self._reader.failure
            except BaseException:
                await self._close()
                raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """
        As `Source.__aexit__`: stores the last position, disconnects, and only then leaves the turn to another one;
        within 7 s also when the server hangs.
        """
        await self._close()

    async def _close(self) -> None:
        task, self._task = self._task, None
        if task is None:
            return
        self._left = True
        self._reader.close()
        self._arrived.set()
        await asyncio.wait({task}, timeout=_CLOSE_SECONDS)
        if not task.done():
            _log.warning("connection not closed in time", broker=self.shown)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._turn.release()

    async def acquire(self) -> None:
        """
        As `Source.acquire`: waits while another replica of the group has the turn. Returns without it when stopped.

        Raises:
            ConfigError: it can never be had: something else has the name of the lock.
            ConnectError, CredentialsError: with fail_fast.
        """
        if self._task is None or self._stopped:
            return
        self._acquiring = True
        self._turn.begin()
        while not (self._turn.held or self._stopped or self._task is None):
            self._arrived.clear()
            if self._turn.failure is not None:
                raise self._turn.failure
            await self._arrived.wait()
        if self._turn.waited:
            self._reader.follow()

    async def before(
        self, position: bytes | None, messages: int, seconds: float
    ) -> AsyncGenerator[tuple[list[Delivery], int]]:
        """
        The last `messages` before the place where `start(position)` is going to begin, in order, each time with how
        many are left; read over a connection of its own, and not settled. To be called before `start`.

        Args:
            seconds: to connect and get the first of them, at most.

        Raises:
            BridgeError, OSError: it did not work, or that place is not in the stream.
        """
        begin = await self._reader.begins_at(position)
        if begin is None:
            return
        end = begin[0]
        first = max(end - messages, 0)
        past = history(self._dial, (begin[1], begin[2]), first, end, seconds=seconds, clock=self._clock)
        async with contextlib.aclosing(past):
            async for some in past:
                yield some

    async def begin(self) -> int:
        """
        As `Sink.begin`, beside the position that the broker remembers; 0 where it remembers none: over AMQP, and where
        the sink does. To be called after `acquire`; raises as `read`.
        """
        if self._remembered and self._task is not None:
            await self._reader.note(1)
        if self._reader.failure is not None:
            raise self._reader.failure
        return self._intake.starts.before

    async def rest(self) -> None:
        """As `Sink.rest`, but that whatever is wrong is `read`'s to say."""
        if self._remembered and self._task is not None:
            await self._reader.note(-1)

    async def start(self, position: bytes | None) -> None:
        """
        As `Source.start`.

        Raises:
            ConfigError: that is no position of a stream.
        """
        if position is not None:
            try:
                offset_of(position)
            except ValueError as error:
                raise ConfigError(f"stream: {error}") from None
        self._reader.start(position, tracked=position is None and self._remembered)

    async def read(self) -> list[Delivery | Gap]:
        """
        As `Source.read`.

        Raises:
            EndOfStream: stopped, and everything was handed out.
            TurnLostError: another replica reads now.
            ConfigError: the queue was declared anew, with other arguments, by somebody else.
            SourceError: a fault of ours.
        """
        await asyncio.sleep(0)  # what is held must not keep the loop from its other tasks
        while True:
            ours = self._turn.held or not self._acquiring
            items = self._intake.held.take() if ours else []
            if items:
                return items
            if self._turn.failure is not None:
                self._pass_on()
                raise self._turn.failure
            if self._reader.failure is not None:
                raise self._reader.failure
            if self._stopped or self._task is None:
                raise EndOfStream
            self._arrived.clear()
            await self._arrived.wait()

    def _pass_on(self) -> None:
        """Another one goes on: what the broker remembers is its to say, and `--start` was for our first turn."""
        self._intake.tracked = False
        self._intake.starts.leave()
        self.forced = None

    def settle(self, deliveries: Sequence[Delivery]) -> None:
        """As `Source.settle`: whatever connection a delivery came over."""
        self._intake.settle(deliveries)
        self._reader.proceed()

    def stop(self) -> None:
        """As `Source.stop`."""
        self._stopped = True
        self._reader.stop()
        self._arrived.set()


@contextlib.contextmanager
def collecting(problems: list[str]) -> Iterator[None]:
    """All problems are told at once: those of the block are noted and the next thing is looked at."""
    try:
        yield
    except ConfigError as error:
        problems += error.problems
    except ValueError as error:
        problems.append(f"start: {error}")
