"""Times as a person reads them: how long something took, and when it was on the local clock."""

import time
from functools import lru_cache

NO_TIME = "--:--:--.---"

_FARTHEST = 1e12  # 31,000 years: no calendar goes further, and NaN is not below it
_LONGEST = 99_999 * 86_400.0  # what five digits of days can say


def duration(seconds: object) -> str:
    """
    At most six characters, as `85µs`, `1.2ms`, `350ms`, `2.1s`, `3m04s`, `2h05m`, `4d12h`, `1200d`.

    Args:
        seconds: a number; for anything else, a negative or a not finite one the answer is the empty text.

    Raises:
        Nothing.
    """
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 <= seconds < _LONGEST:
        return ""
    if seconds < 59.95:  # from here on 60.0s would be shown
        return _below_a_minute(seconds)
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    days, rest = divmod(whole, 86400)
    return f"{days}d{rest // 3600:02d}h" if days < 100 else f"{days}d"


def _below_a_minute(seconds: float) -> str:
    """Two or three digits that count; each bound is where rounding would show the next unit's first value."""
    if seconds >= 0.9995:
        return f"{seconds:.1f}s"
    if seconds >= 0.00995:
        return f"{seconds * 1e3:.0f}ms"
    if seconds >= 0.0009995:
        return f"{seconds * 1e3:.1f}ms"
    return f"{seconds * 1e6:.0f}µs"


@lru_cache(maxsize=256)  # a live cluster's events lie in the same few seconds
def _second(whole: int) -> str:
    return time.strftime("%H:%M:%S", time.localtime(whole))


def local_time(seconds: object) -> str:
    """
    An instant as `11:47:55.123` in the machine's time zone, cut to the millisecond; `--:--:--.---` for what is none.

    Args:
        seconds: since the epoch, UTC.

    Raises:
        Nothing.
    """
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not abs(seconds) < _FARTHEST:
        return NO_TIME
    whole, rest = divmod(int(seconds * 1000), 1000)
    try:
        return f"{_second(whole)}.{rest:03d}"
    except (OverflowError, ValueError, OSError):  # a year that the C library does not know
        return NO_TIME
