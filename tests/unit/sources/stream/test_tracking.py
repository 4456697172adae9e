"""bridge/sources/stream/tracking.py."""

from bridge.sources.stream.tracking import Tracking
from bridge.testing import FakeClock


def test_a_position_is_stored_each_second_and_after_many() -> None:
    """Not the same one twice, and at once when asked for."""
    clock = FakeClock()
    tracking = Tracking(clock)
    assert not tracking.due(None, now=True)
    assert not tracking.due(b"1")
    assert tracking.due(b"1", now=True)
    clock.turn(1)
    assert tracking.due(b"1")
    tracking.stored(b"1")
    clock.turn(5)
    assert not tracking.due(b"1", now=True)
    tracking.stored(b"2")
    tracking.settled(9_999)
    assert not tracking.due(b"3")
    tracking.settled(1)
    assert tracking.due(b"3")


def test_positions_stored_of_late_explain_a_jump_once() -> None:
    """Not more offsets than positions, and none from long ago."""
    clock = FakeClock()
    tracking = Tracking(clock)
    tracking.stored(b"1")
    tracking.stored(b"2")
    assert not tracking.explains(3)
    assert tracking.explains(1)
    assert tracking.explains(1)
    assert not tracking.explains(1)
    tracking.stored(b"3")
    clock.turn(11)
    assert not tracking.explains(1)


def test_whatever_was_noted_explains_a_jump_too() -> None:
    """It is an entry of the log as a position is."""
    tracking = Tracking(FakeClock())
    tracking.noted()
    tracking.stored(b"1")
    assert tracking.explains(2)
