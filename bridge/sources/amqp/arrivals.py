"""What has arrived and was not read."""

from collections.abc import Sequence

from bridge.model import Delivery, Gap
from bridge.sources import MAX_READ_BYTES, MAX_READ_ITEMS


class Arrivals:
    """A list in the broker's order, bounded by the window of who fills it. Belongs to the event loop."""

    def __init__(self) -> None:
        self._items: list[Delivery | Gap] = []
        self._bytes = 0

    def put(self, items: Sequence[Delivery | Gap], size: int) -> None:
        """Add them behind the others; their bodies have `size` bytes."""
        self._items += items
        self._bytes += size

    def take(self) -> list[Delivery | Gap]:
        """Remove and return the oldest, within the bounds of `Source.read`; empty when there is none."""
        items = self._items
        if len(items) <= MAX_READ_ITEMS and self._bytes <= MAX_READ_BYTES:
            self._items, self._bytes = [], 0
            return items
        taken = items[:MAX_READ_ITEMS]
        weights = [len(item.body) if isinstance(item, Delivery) else 0 for item in taken]
        size = sum(weights)
        while size > MAX_READ_BYTES and len(taken) > 1:
            taken.pop()
            size -= weights.pop()
        del items[: len(taken)]
        self._bytes -= size
        return taken

    def forget(self) -> list[Delivery]:
        """Remove and return all deliveries: the broker gives them again. Gaps stay."""
        forgotten = [item for item in self._items if isinstance(item, Delivery)]
        self._items = [item for item in self._items if isinstance(item, Gap)]
        self._bytes = 0
        return forgotten
