"""What was read and is not settled: the bound of a source's memory, and which acks are due."""

from collections.abc import Sequence

from bridge.clients.acks import Acks
from bridge.model import Delivery
from bridge.weight import weigh

_SHIFT = 48
"""Bits of a tag that are AMQP's: enough for 89 years at 100,000 messages/s; the generation stands above them."""


class Window:
    """
    Counts the bytes of deliveries between reading and settling, over all connections: what a lost connection gave us
    still takes memory until the chain is done with it. A delivery's tag is AMQP's plus the base of its connection.

    Args:
        max_bytes: at this many bytes of bodies, or above, it is full.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._generation = 0
        self._acks: dict[int, Acks] = {}
        """Of each connection that gave deliveries which are not all settled; the newest is always there."""
        self._highest: dict[int, int] = {}
        self._taken = self._taken_bytes = 0
        self.bytes = 0
        self.base = 0
        """Of the newest connection."""

    @property
    def room(self) -> int:
        """Bytes that may still be read for now; 0 or less when it is full."""
        return self._max_bytes - self.bytes

    @property
    def owed(self) -> bool:
        """Whether something that a lost connection gave is not settled yet."""
        return len(self._acks) > 1

    @property
    def mean_size(self) -> float:
        """Bytes of a body, over all that were ever taken; 0 when none was."""
        return self._taken_bytes / self._taken if self._taken else 0.0

    def begin(self, generation: int) -> None:
        """Another connection takes over; from now on its deliveries are acknowledged."""
        self._generation, self.base = generation, generation << _SHIFT
        self._acks[generation] = Acks(self.base)
        self._highest[generation] = self.base
        for older in [key for key in self._acks if key != generation]:
            self._drop_if_settled(older)

    def take(self, deliveries: Sequence[Delivery]) -> int:
        """The newest connection gave them; returns the bytes of their bodies."""
        _, size = weigh(deliveries)
        self.bytes += size
        self._taken += len(deliveries)
        self._taken_bytes += size
        self._highest[self._generation] = deliveries[-1].tag  # an int: the parser's
        return size

    def settle(self, deliveries: Sequence[Delivery]) -> int | None:
        """
        They are settled, in any order, maybe again; strangers are ignored.

        Returns:
            Up to which of AMQP's tags the newest connection has to acknowledge now, or None.
        """
        tags: list[int] = [delivery.tag for delivery in deliveries]  # ints: the parser's
        acks = self._acks.get(self._generation)
        if acks is None or not tags:
            return None
        if acks.advance(tags):
            _, size = weigh(deliveries)
            self.bytes -= size
            return tags[-1] - self.base
        reached: int | None = None
        for tag, delivery in zip(tags, deliveries, strict=True):
            generation = tag >> _SHIFT
            acks = self._acks.get(generation)
            if acks is None or tag in acks or tag > self._highest[generation]:
                continue
            self.bytes -= len(delivery.body)
            up_to = acks.settle([tag])
            if generation == self._generation:
                reached = up_to or reached
            else:
                self._drop_if_settled(generation)
        return None if reached is None else reached - self.base

    def _drop_if_settled(self, generation: int) -> None:
        highest = self._highest[generation]
        acks = self._acks[generation]
        if highest in acks and not acks.left():
            del self._acks[generation], self._highest[generation]

    def left(self) -> list[int]:
        """AMQP's tags that the newest connection has to acknowledge singly before it is closed."""
        acks = self._acks.get(self._generation)
        return [] if acks is None else [tag - self.base for tag in acks.left()]
