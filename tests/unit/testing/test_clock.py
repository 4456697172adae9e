"""Tests of bridge.testing.clock."""

import asyncio

import pytest

from bridge.testing import FakeClock
from tests.running import run


def test_time_stands_still_until_it_is_turned() -> None:
    """Both kinds of time move by what they are turned, and by nothing else."""
    clock = FakeClock(1000.0)
    clock.turn(2.5)
    clock.turn(0)

    assert (clock.now(), clock.monotonic()) == (1002.5, 2.5)


def test_jump_moves_only_the_wall_clock() -> None:
    """NTP sets the time back; durations do not notice."""
    clock = FakeClock(1000.0)
    clock.jump(-60)

    assert (clock.now(), clock.monotonic()) == (940.0, 0.0)


def test_turn_goes_forward_only() -> None:
    """A monotonic clock never goes back."""
    with pytest.raises(ValueError, match="forward"):
        FakeClock().turn(-1)


def test_turn_wakes_who_slept_until_then_in_order() -> None:
    """Sleepers wake at their own deadline, the earliest first; the others sleep on."""

    async def check() -> list[str]:
        clock = FakeClock()
        woken: list[str] = []

        async def sleeper(name: str, seconds: float) -> None:
            await clock.sleep(seconds)
            woken.append(f"{name} at {clock.monotonic()}")

        async with asyncio.TaskGroup() as tasks:
            for name, seconds in [("late", 3.0), ("early", 1.0), ("middle", 2.0)]:
                tasks.create_task(sleeper(name, seconds))
            await clock.until_sleeping(3)
            clock.turn(0.9)
            await asyncio.sleep(0)
            assert (woken, clock.sleepers) == ([], 3)
            clock.turn(1.1)
            await asyncio.sleep(0)
            assert (woken, clock.sleepers) == (["early at 2.0", "middle at 2.0"], 1)
            clock.turn(1.0)
        assert clock.slept == (3.0, 1.0, 2.0)
        return woken

    assert run(check()) == ["early at 2.0", "middle at 2.0", "late at 3.0"]


def test_sleep_of_nothing_lets_others_run_and_returns() -> None:
    """Zero or less needs no turning."""

    async def check() -> None:
        clock = FakeClock()
        ran = asyncio.Event()
        asyncio.get_running_loop().call_soon(ran.set)
        await clock.sleep(0)
        assert ran.is_set()
        await clock.sleep(-1)

    run(check())


def test_cancelled_sleeper_sleeps_no_more() -> None:
    """A cancelled sleep is not counted and not woken."""

    async def check() -> None:
        clock = FakeClock()
        sleeping = asyncio.ensure_future(clock.sleep(5))
        await clock.until_sleeping()
        sleeping.cancel()
        await asyncio.gather(sleeping, return_exceptions=True)
        assert clock.sleepers == 0
        clock.turn(10)

    run(check())
