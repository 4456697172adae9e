"""
Which delivery kills the process that looks into it: told from those that only were in flight when it died.

A quorum queue counts how often a message came back (`x-delivery-count`), and a crash raises the count of everything in
flight. So a connection begins with one delivery in flight. If that one has come back fewer times than ALONE_FROM,
nothing is suspected and the others may come. Else deliveries are taken one by one, so that the next crash is charged to
one only; who is alone and has come back POISON_FROM times is poison. (RabbitMQ 4's own limit, which drops the message,
is 20.)
"""

from collections.abc import Sequence

import structlog

from bridge.model import ALONE_FROM, POISON_FROM, Delivery, Poison

_COUNT = "x-delivery-count"

_log = structlog.get_logger()


class Suspicion:
    """
    Args:
        counted: whether the queue counts; else nothing is ever suspected.
        shown: the broker, as logs show it.
    """

    def __init__(self, shown: str, *, counted: bool) -> None:
        self.alone = counted
        """Whether only one delivery is in flight; for whoever asks for deliveries to change."""
        self._shown = shown
        self._counted = counted
        self._survived = 0
        self._gave = self._said = False

    def begin(self) -> None:
        """A new connection."""
        self.alone, self._gave, self._said = self._counted, False, False

    def survive(self) -> None:
        """
        The connection was lost, and we live: the broker counts it for what was in flight, but it is nobody's fault. It
        lowers by one what any delivery can be charged with, also those that were not in flight.
        """
        self._survived += self._gave

    def clears(self, deliveries: Sequence[Delivery]) -> bool:
        """Whether what came while `alone` is no reason to stay so."""
        self._gave = True
        times = min(_count(delivery) for delivery in deliveries)
        if times < ALONE_FROM:
            return True
        if not self._said:
            self._said = True
            _log.warning("the bridge died repeatedly: deliveries are taken one by one", broker=self._shown, times=times)
        return False

    def judge(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """What came while `alone`: the same, but for poison, which is marked as such."""
        return [self._judge(delivery) for delivery in deliveries]

    def _judge(self, delivery: Delivery) -> Delivery:
        attempts = _count(delivery)
        if attempts - self._survived < POISON_FROM:
            return delivery
        _log.error("a delivery is dead-lettered as poison", broker=self._shown, times=attempts)
        return Poison(delivery, attempts)


def _count(delivery: Delivery) -> int:
    if not delivery.redelivered:  # the broker counts from the second time on; what says so before is the sender's own
        return 0
    count = delivery.headers.get(_COUNT)
    return count if isinstance(count, int) else 0
