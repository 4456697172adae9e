"""Claims about durations and local times."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from bridge.formats import durations
from bridge.formats.durations import duration, local_time


@pytest.fixture
def kolkata(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine is half past five hours east of Greenwich."""
    durations._second.cache_clear()
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
    durations._second.cache_clear()


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0µs"),
        (8.5e-05, "85µs"),
        (0.00099949, "999µs"),
        (0.0009995, "1.0ms"),
        (0.0012, "1.2ms"),
        (0.00994, "9.9ms"),
        (0.00996, "10ms"),
        (0.35, "350ms"),
        (0.99949, "999ms"),
        (0.9995, "1.0s"),
        (2.1, "2.1s"),
        (59.94, "59.9s"),
        (59.96, "1m00s"),
        (184, "3m04s"),
        (3599.4, "59m59s"),
        (3599.6, "1h00m"),
        (7500, "2h05m"),
        (86399, "23h59m"),
        (86400 * 4.5, "4d12h"),
        (86400 * 1200, "1200d"),
        (86400 * 99999 - 1, "99998d"),
    ],
)
def test_duration_says_two_or_three_digits_in_the_unit_that_fits(seconds: float, shown: str) -> None:
    """Each unit is left where rounding would show the next one's first value."""
    assert duration(seconds) == shown


@pytest.mark.parametrize("odd", [None, "1.5", True, -0.1, float("nan"), float("inf"), 1e300, 10**400, [], {}])
def test_duration_of_what_is_none_is_empty(odd: Any) -> None:
    """Text, booleans, negative, infinite and absurd numbers say nothing."""
    assert duration(odd) == ""


def test_duration_grows_with_the_seconds_and_stays_within_its_column() -> None:
    """No value over twelve decades takes more than six characters."""
    assert {len(duration(1.07**step)) for step in range(-200, 335)} <= {3, 4, 5, 6}


@pytest.mark.usefixtures("kolkata")
def test_local_time_is_the_machines_and_cut_to_the_millisecond() -> None:
    """A rounded millisecond could lie after the event."""
    assert local_time(1795177792.7368) == "17:59:52.736"
    assert local_time(1795177792) == "17:59:52.000"


@pytest.mark.parametrize("odd", [None, "noon", True, float("nan"), float("inf"), 1e300, 10**400, []])
def test_local_time_of_what_is_none_keeps_its_column(odd: Any) -> None:
    """What names no instant becomes dashes of the same width."""
    assert local_time(odd) == "--:--:--.---"
