"""What some deliveries weigh: a few instructions for each of them, so a module of its own."""

from collections.abc import Sequence

from bridge.model import Delivery


def weigh(deliveries: Sequence[Delivery]) -> tuple[int, int]:
    """How many of them came again, and the bytes of their bodies."""
    redelivered = size = 0
    for delivery in deliveries:
        size += len(delivery.body)
        if delivery.redelivered:
            redelivered += 1
    return redelivered, size
