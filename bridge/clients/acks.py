"""Which acknowledgement AMQP needs for what was settled."""

from collections.abc import Iterable


class Acks:
    """
    Delivery tags of one AMQP channel, which count from 1: one `multiple` ack covers everything up to a tag, so it is
    sent for the highest tag below which all are settled.

    Args:
        base: the tag before the first one, where something was added to all of them.
    """

    def __init__(self, base: int = 0) -> None:
        self._acked = base
        self._beyond: set[int] = set()

    def __contains__(self, tag: int) -> bool:
        """Whether it was settled."""
        return tag <= self._acked or tag in self._beyond

    def advance(self, tags: list[int]) -> bool:
        """Settle `tags` if they are just the next ones, in order, as they mostly are; returns whether it did."""
        if self._beyond:
            return False
        reached = self._acked
        for tag in tags:
            reached += 1
            if tag != reached:
                return False
        self._acked = reached
        return True

    def settle(self, tags: Iterable[int]) -> int | None:
        """These are settled, in any order, maybe again. Returns up to which tag to acknowledge now, or None."""
        self._beyond.update(tag for tag in tags if tag > self._acked)
        reached = self._acked
        while reached + 1 in self._beyond:
            reached += 1
            self._beyond.remove(reached)
        if reached == self._acked:
            return None
        self._acked = reached
        return reached

    def left(self) -> list[int]:
        """Settled, but behind one that is not: to be acknowledged singly before the channel is closed."""
        return sorted(self._beyond)
