"""A clock that moves only when a test turns it."""

import asyncio
import heapq
from itertools import count


class FakeClock:
    """
    Fulfils `bridge.clock.Clock`; its time stands still between two calls of `turn`.

    It belongs to one event loop at a time: sleepers are woken from the loop that called `turn`.
    """

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        """
        Args:
            now: the instant shown at first, in seconds since the epoch, UTC (the default is 2027-01-15T08:00:00Z).
        """
        self._now = now
        self._monotonic = 0.0
        self._numbers = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._slept: list[float] = []
        self._fell_asleep = asyncio.Event()

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        return self._now

    def monotonic(self) -> float:
        """Seconds turned since the clock was made."""
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock was turned by `seconds` in all; with 0 or less only let the others run once."""
        self._slept.append(seconds)
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._monotonic + seconds, next(self._numbers), woken))
        self._fell_asleep.set()
        await woken

    def turn(self, seconds: float) -> None:
        """
        Let `seconds` (0 or more) go by at once and wake who slept until then, in the order of their deadlines.

        The woken run when the caller next awaits; each then sees the time after the whole turn.

        Raises:
            ValueError: `seconds` is negative; use `jump` to set the wall clock back.
        """
        if seconds < 0:
            raise ValueError("a clock is turned forward only; jump() sets the wall clock back")
        self._now += seconds
        self._monotonic += seconds
        while self._sleepers and self._sleepers[0][0] <= self._monotonic:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():  # done: the sleeper was cancelled
                woken.set_result(None)

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward, or back when negative, as NTP does: nobody wakes, `monotonic` does not move."""
        self._now += seconds

    @property
    def sleepers(self) -> int:
        """How many tasks sleep now."""
        return sum(not woken.done() for _, _, woken in self._sleepers)

    @property
    def slept(self) -> tuple[float, ...]:
        """What was asked of `sleep` so far, in seconds, in order."""
        return tuple(self._slept)

    async def until_sleeping(self, tasks: int = 1) -> None:
        """Let the others run until at least `tasks` of them sleep. Waits for ever when they never do."""
        while self.sleepers < tasks:
            self._fell_asleep.clear()
            await self._fell_asleep.wait()
