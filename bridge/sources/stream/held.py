"""What was read and is not handed out. No I/O; belongs to the event loop."""

from collections import deque
from collections.abc import Sequence

from bridge.model import Delivery, Gap
from bridge.sources import MAX_READ_BYTES, MAX_READ_ITEMS


class Held:
    """Items in the stream's order, kept as the chunks they came in, which are mostly handed out whole."""

    def __init__(self) -> None:
        self._parts: deque[tuple[Sequence[Delivery | Gap], int]] = deque()

    def __bool__(self) -> bool:
        return bool(self._parts)

    def put(self, items: Sequence[Delivery | Gap], size: int) -> None:
        """Add items, whose bodies have `size` bytes together, behind the others."""
        if items:
            self._parts.append((items, size))

    def take(self) -> list[Delivery | Gap]:
        """Remove and return the oldest items, within the bounds of `Source.read`; empty when there is none."""
        taken: list[Delivery | Gap] = []
        total = 0
        while self._parts:
            items, size = self._parts[0]
            if len(taken) + len(items) <= MAX_READ_ITEMS and total + size <= MAX_READ_BYTES:
                self._parts.popleft()
                taken += items
                total += size
                continue
            if not taken:
                taken = self._cut()
            break
        return taken

    def _cut(self) -> list[Delivery | Gap]:
        """As much of the oldest part as may be handed out, at least one item."""
        items, size = self._parts.popleft()
        taken = total = 0
        for item in items[:MAX_READ_ITEMS]:
            weight = len(item.body) if isinstance(item, Delivery) else 0
            if taken and total + weight > MAX_READ_BYTES:
                break
            taken += 1
            total += weight
        if taken < len(items):
            self._parts.appendleft((items[taken:], size - total))
        return list(items[:taken])
