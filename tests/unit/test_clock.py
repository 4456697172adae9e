"""Tests of bridge.clock."""

import math
import time

import pytest

from bridge import clock
from bridge.clock import Clock, SystemClock, iso_ms
from tests.running import run


def test_system_clock_is_the_machines() -> None:
    """Both times are the machine's, and a sleep takes at least what was asked."""
    system: Clock = SystemClock()
    before = time.time(), time.monotonic()
    run(system.sleep(0.02))

    assert before[0] <= system.now() <= time.time()
    assert before[1] + 0.02 <= system.monotonic() <= time.monotonic()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1795177792, "2026-11-20T12:29:52.000Z"),
        (1795177792.7366464, "2026-11-20T12:29:52.736Z"),
        (1795177792.9999, "2026-11-20T12:29:52.999Z"),
        (951782400, "2000-02-29T00:00:00.000Z"),
        (253402300799.999, "9999-12-31T23:59:59.999Z"),
        (-0.25, "1969-12-31T23:59:59.750Z"),
        (-1.5625, "1969-12-31T23:59:58.437Z"),
        (-30610224000, "1000-01-01T00:00:00.000Z"),
        (-30610224001, "0999-12-31T23:59:59.000Z"),
        (-62135596800, "0001-01-01T00:00:00.000Z"),
    ],
)
def test_iso_ms_cuts_to_milliseconds_in_utc(seconds: float, text: str) -> None:
    """From year 1 to 9999, always 24 characters, never later than the instant."""
    assert iso_ms(seconds) == text
    assert iso_ms(seconds) == text  # from the cache


@pytest.mark.parametrize("seconds", [253402300800, -62135596801, 1e20, -1e20, math.inf, math.nan])
def test_iso_ms_refuses_what_has_no_such_year(seconds: float) -> None:
    """An instant that cannot be written is an error of the caller's, not another instant."""
    with pytest.raises((OverflowError, ValueError)):
        iso_ms(seconds)


def test_iso_ms_cache_is_bounded() -> None:
    """A replay of years does not fill the memory."""
    for second in range(10_000):
        iso_ms(float(second))

    assert 0 < len(clock._seconds) <= clock._SECONDS_CACHED
