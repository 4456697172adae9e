"""Up to where everything is settled: what the broker may be told to remember. No I/O."""

from collections.abc import Sequence

from bridge.model import Delivery


class Settled:
    """Deliveries by their tags, which count from 1 without a hole, whatever offsets they have."""

    def __init__(self) -> None:
        self.reached = 0
        self._beyond: dict[int, bytes | None] = {}
        self.position: bytes | None = None
        """Where to go on: behind the last delivery of those that are settled without one before them that is not."""

    def settle(self, deliveries: Sequence[Delivery], handed: int) -> tuple[int, int]:
        """
        They are settled. Those that were before, and strangers, are ignored.

        Args:
            handed: the highest tag that was given.

        Returns:
            How many are settled by this, and the bytes of their bodies.
        """
        if not deliveries:
            return 0, 0
        upto = self.reached + len(deliveries)
        if not self._beyond and upto <= handed:
            size = _next(deliveries, self.reached)
            if size is not None:
                self.reached = upto
                self.position = deliveries[-1].position
                return len(deliveries), size
        return self._one_by_one(deliveries, handed)

    def _one_by_one(self, deliveries: Sequence[Delivery], handed: int) -> tuple[int, int]:
        count = size = 0
        for delivery in deliveries:
            tag = delivery.tag
            if type(tag) is int and self.reached < tag <= handed and tag not in self._beyond:
                self._beyond[tag] = delivery.position
                count += 1
                size += len(delivery.body)
        while self.reached + 1 in self._beyond:
            self.reached += 1
            self.position = self._beyond.pop(self.reached)
        return count, size


def _next(deliveries: Sequence[Delivery], reached: int) -> int | None:
    """The bytes of their bodies where their tags count on from `reached`, as they nearly always do; else None."""
    size = 0
    for delivery in deliveries:
        reached += 1
        tag = delivery.tag
        if type(tag) is not int or tag != reached:
            return None
        size += len(delivery.body)
    return size
