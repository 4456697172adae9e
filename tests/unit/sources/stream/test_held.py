"""bridge/sources/stream/held.py."""

from bridge.model import Delivery, Gap
from bridge.sources import MAX_READ_BYTES, MAX_READ_ITEMS
from bridge.sources.stream.held import Held


def deliveries(count: int, size: int = 1) -> list[Delivery]:
    return [Delivery(b"x" * size, tag=number) for number in range(count)]


def put(held: Held, items: list[Delivery]) -> None:
    held.put(items, sum(len(item.body) for item in items))


def test_what_is_put_comes_out_in_order() -> None:
    """Small chunks together, gaps among them."""
    held, first, second = Held(), deliveries(3), deliveries(2)
    gap = Gap("truncated", 0, 1)
    put(held, first)
    held.put([gap], 0)
    put(held, second)
    put(held, [])
    assert held
    assert held.take() == [*first, gap, *second]
    assert held.take() == []
    assert not held


def test_a_read_is_bounded() -> None:
    """In items and in bytes; a larger one comes alone."""
    held = Held()
    sent = deliveries(2500) + deliveries(3, MAX_READ_BYTES // 2) + deliveries(1, MAX_READ_BYTES + 1) + deliveries(1)
    put(held, sent)
    reads = []
    while items := held.take():
        reads.append(items)
    assert [item for items in reads for item in items] == sent
    assert all(len(items) <= MAX_READ_ITEMS for items in reads)
    assert all(
        len(items) == 1 or sum(len(i.body) for i in items if isinstance(i, Delivery)) <= MAX_READ_BYTES
        for items in reads
    )
