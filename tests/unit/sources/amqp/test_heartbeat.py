"""bridge.sources.amqp.heartbeat"""

import pytest

from bridge.sources.amqp.heartbeat import LOOKS, Heartbeat


def test_one_is_due_twice_per_interval() -> None:
    """So that one that is late is none that is missing."""
    heartbeat = Heartbeat(10, 100.0)
    assert [now for now in range(100, 118) if heartbeat.beat(now, reading=True)] == [105, 110, 115]


def test_almost_two_intervals_of_silence_are_the_end() -> None:
    """Whatever was heard counts, not only heartbeats."""
    heartbeat = Heartbeat(10, 100.0)
    heartbeat.heard(105.0)
    heartbeat.beat(122.5, reading=True)
    with pytest.raises(ConnectionAbortedError, match=r"silent for 17\.6 s"):
        heartbeat.beat(122.6, reading=True)


@pytest.mark.parametrize("heard_before_a_look", [0.001, 0.6, 1.249])
def test_silence_is_the_end_within_two_intervals(heard_before_a_look: float) -> None:
    """Whenever between two looks the broker was heard last: at 17.5 s it may live, at a look before 19 s it is dead."""
    heartbeat = Heartbeat(10, 0.0)
    looks = [heard_before_a_look + 10 / LOOKS * number for number in range(LOOKS * 2)]
    for look in looks:
        if look <= 17.5:
            heartbeat.beat(look, reading=True)
    first_late = next(look for look in looks if look > 17.5)
    assert first_late < 19
    with pytest.raises(ConnectionAbortedError):
        heartbeat.beat(first_late, reading=True)


def test_silence_says_nothing_while_nothing_is_read() -> None:
    """It is counted anew from when reading goes on; ours are sent all the while."""
    heartbeat = Heartbeat(10, 100.0)
    assert all(heartbeat.beat(now, reading=False) for now in range(105, 200, 5))
    assert heartbeat.beat(212, reading=True)
    with pytest.raises(ConnectionAbortedError):
        heartbeat.beat(213, reading=True)


def test_none_may_be_agreed() -> None:
    """Before the handshake is through there is no interval."""
    assert Heartbeat(0, 0.0).beat(1e9, reading=True) is False
