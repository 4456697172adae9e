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
        tags = [delivery.tag for delivery in deliveries]
        upto = self.reached + len(tags)
        if not self._beyond and upto <= handed and tags == list(range(self.reached + 1, upto + 1)):
            self.reached = upto
            self.position = deliveries[-1].position
            return len(tags), sum([len(delivery.body) for delivery in deliveries])
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
