"""Unit tests of bridge.clients.backoff."""

import asyncio

from bridge.clients.backoff import Backoff


class _Sleeps:
    """A clock that notes what it was asked to sleep."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> float:
        return 0.0

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def test_delays_double_up_to_the_cap() -> None:
    """With the largest jitter the delays are base, 2 base, 4 base ... and never more than the cap."""
    backoff = Backoff(_Sleeps(), base=0.1, cap=1.0, random=lambda: 1.0)
    assert [backoff.delay() for _ in range(6)] == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_jitter_covers_everything_down_to_zero() -> None:
    """Full jitter: the smallest random number gives no delay at all, the middle one half of the ceiling."""
    draws = iter([0.0, 0.5, 0.5])
    backoff = Backoff(_Sleeps(), base=0.1, cap=1.0, random=lambda: next(draws))
    assert [backoff.delay() for _ in range(3)] == [0.0, 0.1, 0.2]


def test_the_default_jitter_stays_below_the_ceiling() -> None:
    """Without an injected random the first delay lies in [0, base), and delays differ."""
    delays = [Backoff(_Sleeps(), base=0.1).delay() for _ in range(200)]
    assert all(0 <= delay < 0.1 for delay in delays)
    assert len(set(delays)) > 1


def test_reset_starts_over() -> None:
    """After an attempt that worked the next delay is a first one again."""
    backoff = Backoff(_Sleeps(), base=0.1, cap=1.0, random=lambda: 1.0)
    backoff.delay()
    backoff.delay()
    assert backoff.attempts == 2
    backoff.reset()
    assert (backoff.attempts, backoff.delay()) == (0, 0.1)


def test_a_server_down_for_weeks_overflows_nothing() -> None:
    """Ten thousand failed attempts in a row still give the cap."""
    backoff = Backoff(_Sleeps(), base=0.1, cap=5.0, random=lambda: 1.0)
    assert [backoff.delay() for _ in range(10_000)][-1] == 5.0


def test_wait_sleeps_on_the_clock() -> None:
    """`wait` sleeps for the next delay, on the injected clock."""
    clock = _Sleeps()
    backoff = Backoff(clock, base=0.1, cap=1.0, random=lambda: 1.0)

    async def wait_twice() -> None:
        await backoff.wait()
        await backoff.wait()

    asyncio.run(wait_twice())
    assert clock.slept == [0.1, 0.2]
