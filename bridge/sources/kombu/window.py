"""What was read and is not settled: the bound of a source's memory."""

from collections.abc import Iterable

from bridge.model import Delivery, Gap


class Window:
    """
    Counts the bytes of deliveries between reading and settling, over all connections: what a lost connection gave us
    still takes memory until the chain is done with it. Belongs to the reader's thread.

    Args:
        max_bytes: at this many bytes of bodies, or above, it is full.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._sizes: dict[object, int] = {}
        self._taken = self._taken_bytes = 0
        self.bytes = 0

    def __len__(self) -> int:
        """How many deliveries are not settled."""
        return len(self._sizes)

    @property
    def room(self) -> int:
        """Bytes that may still be read for now; 0 or less when it is full."""
        return self._max_bytes - self.bytes

    @property
    def mean_size(self) -> float:
        """Bytes of a body, over all that were ever taken; 0 when none was."""
        return self._taken_bytes / self._taken if self._taken else 0.0

    def take(self, items: Iterable[Delivery | Gap]) -> None:
        """They were read. Gaps weigh nothing."""
        for item in items:
            if isinstance(item, Delivery):
                size = len(item.body)
                self._sizes[item.tag] = size
                self.bytes += size
                self._taken += 1
                self._taken_bytes += size

    def settle(self, deliveries: Iterable[Delivery]) -> list[object]:
        """They are settled: the tags of those that were not before, in the order given. Strangers are ignored."""
        tags = []
        for delivery in deliveries:
            size = self._sizes.pop(delivery.tag, None)
            if size is not None:
                self.bytes -= size
                tags.append(delivery.tag)
        return tags
