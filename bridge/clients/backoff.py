"""How long to wait before the next attempt. One for all ends, so that they behave alike when a server is down."""

from collections.abc import Callable
from random import SystemRandom

from bridge.clock import Clock

BASE_SECONDS = 0.1  # a server that restarts behind a load balancer is back within a few of these
CAP_SECONDS = 5.0  # what an operator waits for us, at most, after the server came back
_MAX_DOUBLINGS = 64  # past every cap in use; without it 2.0**n overflows after 1,024 attempts (an hour at the cap)

_uniform = SystemRandom().random


class Backoff:
    """
    Exponential backoff with full jitter: the n-th delay is anywhere between 0 and `base * 2**n`, at most `cap`.

    Full jitter (and not "half of it plus jitter") because it spreads clients that lost the same server best
    ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015). Belongs to one task.

    Args:
        clock: what `wait` sleeps on.
        base: the longest first delay, in seconds.
        cap: the longest delay of all, in seconds.
        random: gives a float of [0, 1); injected by tests.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        base: float = BASE_SECONDS,
        cap: float = CAP_SECONDS,
        random: Callable[[], float] = _uniform,
    ) -> None:
        self._clock = clock
        self._base = base
        self._cap = cap
        self._random = random
        self._attempts = 0

    @property
    def attempts(self) -> int:
        """Delays asked for since the last `reset`."""
        return self._attempts

    def delay(self) -> float:
        """The next delay in seconds; every call counts as one failed attempt."""
        ceiling: float = min(self._cap, self._base * 2.0 ** min(self._attempts, _MAX_DOUBLINGS))
        self._attempts += 1
        return self._random() * ceiling

    async def wait(self) -> None:
        """Sleep for the next delay on the clock."""
        await self._clock.sleep(self.delay())

    def reset(self) -> None:
        """The attempt worked: the next delay is a first one again."""
        self._attempts = 0
