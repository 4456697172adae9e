"""Laws of bridge.clock."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bridge.clock import iso_ms


@given(st.floats(min_value=-62135596800, max_value=253402300799.99))
def test_iso_ms_is_the_last_millisecond_not_after_the_instant(seconds: float) -> None:
    """Read back it is the instant or up to a millisecond before it (and what a double cannot tell apart)."""
    back = datetime.strptime(iso_ms(seconds), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    micros = (back - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)
    slack = abs(seconds) * 1e6 * 2**-51 + 1

    assert micros <= seconds * 1e6 + slack
    assert micros > seconds * 1e6 - 1000 - slack


@given(st.floats(min_value=0, max_value=4e9), st.floats(min_value=0, max_value=4e9))
def test_iso_ms_sorts_as_the_instants_do(one: float, other: float) -> None:
    """Text order is time order, so a string column can be sorted."""
    earlier, later = sorted((one, other))

    assert iso_ms(earlier) <= iso_ms(later)
