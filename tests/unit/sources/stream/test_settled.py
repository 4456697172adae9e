"""bridge/sources/stream/settled.py."""

from bridge.model import Delivery
from bridge.sources.stream.messages import position_of
from bridge.sources.stream.settled import Settled


def some(*tags: object) -> list[Delivery]:
    return [Delivery(b"xx", tag=tag, position=position_of(tag * 10) if isinstance(tag, int) else None) for tag in tags]


def test_the_position_is_that_of_the_last_one_settled_in_order() -> None:
    """Whatever offsets they have: stored positions and cut off messages leave no hole here."""
    settled = Settled()
    assert settled.position is None
    assert settled.settle(some(1, 2, 3), 9) == (3, 6)
    assert settled.position == position_of(30)
    assert settled.settle([], 9) == (0, 0)


def test_what_is_settled_out_of_order_waits() -> None:
    """The position moves when the hole is filled, over all behind it."""
    settled = Settled()
    assert settled.settle(some(4, 2), 9) == (2, 4)
    assert settled.position is None
    assert settled.settle(some(1), 9) == (1, 2)
    assert settled.position == position_of(20)
    assert settled.settle(some(3), 9) == (1, 2)
    assert settled.position == position_of(40)
    assert settled.reached == 4


def test_strangers_and_the_settled_are_ignored() -> None:
    """Twice, in one call or in two; tags that were never given; deliveries of other sources."""
    settled = Settled()
    settled.settle(some(1, 2), 3)
    assert settled.settle(some(1, 2), 3) == (0, 0)
    assert settled.settle(some(3, 3), 3) == (1, 2)
    assert settled.settle(some(4, None, "5", (0, 4), True), 3) == (0, 0)
    assert settled.settle(some(4), 3) == (0, 0)
    assert settled.position == position_of(30)
