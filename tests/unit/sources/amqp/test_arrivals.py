"""bridge.sources.amqp.arrivals"""

from bridge.model import Delivery, Gap
from bridge.sources import MAX_READ_BYTES, MAX_READ_ITEMS
from bridge.sources.amqp.arrivals import Arrivals

GAP = Gap("disconnected", 1.0, 2.0)


def put(arrivals: Arrivals, *sizes: int) -> list[Delivery]:
    deliveries = [Delivery(b"x" * size, tag=number) for number, size in enumerate(sizes)]
    arrivals.put(deliveries, sum(sizes))
    return deliveries


def test_all_of_it_is_taken_at_once() -> None:
    """In order, and once."""
    arrivals = Arrivals()
    first, second = put(arrivals, 1, 2), put(arrivals, 3)
    arrivals.put([GAP], 0)
    assert arrivals.take() == [*first, *second, GAP]
    assert arrivals.take() == []


def test_no_more_items_are_taken_than_a_read_may_return() -> None:
    """The rest comes with the next."""
    arrivals = Arrivals()
    put(arrivals, *[1] * (2 * MAX_READ_ITEMS + 1))
    assert [len(arrivals.take()) for _ in range(4)] == [MAX_READ_ITEMS, MAX_READ_ITEMS, 1, 0]


def test_no_more_bytes_are_taken_than_a_read_may_return() -> None:
    """A single larger one comes alone."""
    arrivals = Arrivals()
    put(arrivals, MAX_READ_BYTES - 1, 1, 1, MAX_READ_BYTES + 1, 5)
    sizes = [[len(item.body) for item in arrivals.take() if isinstance(item, Delivery)] for _ in range(5)]
    assert sizes == [[MAX_READ_BYTES - 1, 1], [1], [MAX_READ_BYTES + 1], [5], []]


def test_what_is_given_again_can_be_forgotten() -> None:
    """Gaps stay: nobody tells of them again."""
    arrivals = Arrivals()
    forgotten = put(arrivals, MAX_READ_BYTES, 2)
    arrivals.put([GAP], 0)
    assert arrivals.forget() == forgotten
    put(arrivals, 7)
    assert len(arrivals.take()) == 2
