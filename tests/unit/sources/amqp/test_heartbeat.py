"""bridge.sources.amqp.heartbeat"""

import pytest

from bridge.sources.amqp.heartbeat import Heartbeat


def test_one_is_due_twice_per_interval() -> None:
    """So that one that is late is none that is missing."""
    heartbeat = Heartbeat(10, 100.0)
    assert [now for now in range(100, 118) if heartbeat.beat(now, reading=True)] == [105, 110, 115]


def test_two_intervals_of_silence_are_the_end() -> None:
    """Whatever was heard counts, not only heartbeats."""
    heartbeat = Heartbeat(10, 100.0)
    heartbeat.heard(105.0)
    heartbeat.beat(125.0, reading=True)
    with pytest.raises(ConnectionAbortedError, match="silent for 20 s"):
        heartbeat.beat(125.1, reading=True)


def test_silence_says_nothing_while_nothing_is_read() -> None:
    """It is counted anew from when reading goes on; ours are sent all the while."""
    heartbeat = Heartbeat(10, 100.0)
    assert all(heartbeat.beat(now, reading=False) for now in range(105, 200, 5))
    assert heartbeat.beat(215, reading=True)
    with pytest.raises(ConnectionAbortedError):
        heartbeat.beat(216, reading=True)


def test_none_may_be_agreed() -> None:
    """Before the handshake is through there is no interval."""
    assert Heartbeat(0, 0.0).beat(1e9, reading=True) is False
