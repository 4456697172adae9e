"""bridge.sources.amqp.window"""

from bridge.model import Delivery
from bridge.sources.amqp.window import Window


def taken(window: Window, *tags: int, size: int = 10) -> list[Delivery]:
    deliveries = [Delivery(b"x" * size, tag=window.base + tag) for tag in tags]
    window.take(deliveries)
    return deliveries


def opened(max_bytes: int = 100) -> Window:
    window = Window(max_bytes)
    window.begin(0)
    return window


def test_what_is_settled_in_order_is_acknowledged_at_once() -> None:
    """One ack up to the last, and its bytes are free."""
    window = opened()
    deliveries = taken(window, 1, 2, 3)
    assert (window.bytes, window.room) == (30, 70)
    assert window.settle(deliveries[:2]) == 2
    assert window.settle(deliveries[2:]) == 3
    assert (window.bytes, window.left()) == (0, [])


def test_what_is_settled_behind_a_hole_waits() -> None:
    """It can be acknowledged singly before the end."""
    window = opened()
    one, two, three, four = taken(window, 1, 2, 3, 4)
    assert window.settle([four, two]) is None
    assert (window.bytes, window.left()) == (20, [2, 4])
    assert window.settle([one]) == 2
    assert window.settle([three]) == 4


def test_settling_again_frees_nothing() -> None:
    """Neither alone nor beside a new one, nor twice in one call."""
    window = opened()
    one, two, three = taken(window, 1, 2, 3)
    window.settle([one])
    assert window.settle([one]) is None
    assert window.settle([one, two, two]) == 2
    assert window.bytes == 10
    assert window.settle([]) is None
    assert window.settle([three]) == 3


def test_a_lost_connection_is_counted_and_not_acknowledged() -> None:
    """Its deliveries take memory until they are settled; the new one's tags begin again."""
    window = opened()
    old = taken(window, 1, 2)
    window.begin(1)
    new = taken(window, 1, 2)
    assert window.bytes == 40
    assert window.owed
    assert window.settle(old[1:]) is None
    assert window.owed
    assert window.settle([old[0], new[0]]) == 1
    assert not window.owed
    assert window.settle(old) is None
    assert window.bytes == 10


def test_strangers_are_ignored() -> None:
    """What was never taken, or belongs to a connection that is settled and forgotten."""
    window = opened()
    assert Window(1).settle([Delivery(b"x", tag=1)]) is None
    assert window.settle([Delivery(b"x", tag=9)]) is None
    assert window.bytes == 0


def test_the_mean_size_is_over_all() -> None:
    """Also of what was settled long ago."""
    window = opened()
    assert window.mean_size == 0.0
    window.settle(taken(window, 1, 2, size=10))
    taken(window, 3, 4, size=30)
    assert window.mean_size == 20.0
