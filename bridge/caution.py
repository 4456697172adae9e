"""
Which deliveries are handled alone behind a position where processes died: for a source whose broker counts nothing.

Who died had read on from the position and sent nothing, so what it died of lies within its reach. Deliveries of that
reach are handled one by one, each of them durable before the next is looked at: then the one that is at the position
when the next process dies is the only one in question. After POISON_FROM deaths it is poison. A delivery that becomes
durable moves the position, and the count begins anew.

Far from the position a few go together, so that whoever was only killed three times is not slow for minutes: 6,000
deliveries take 220 turns of 50 ms instead of 6,000. Who dies in such a group leaves a position that is close to it.
"""

from collections.abc import Sequence

import structlog

from bridge.model import ALONE_FROM, POISON_FROM, Delivery, Gap, Poison

_SHARE = 32
"""Of the deliveries passed so far, this part is handled next: the first 64 one by one."""

_log = structlog.get_logger()


class Caution:
    """
    Args:
        deaths: of processes that looked at what lies behind the position.
        reach: deliveries that each of them can have looked at.
        gaps_move: whether a gap that is durable moves the position, so that who died behind it was not counted here.
    """

    def __init__(self, deaths: int, reach: int, *, gaps_move: bool = False) -> None:
        self._deaths = deaths
        self._left = reach if deaths >= ALONE_FROM else 0
        self._passed = 0
        self._gaps_move = gaps_move
        self._condemns = deaths >= POISON_FROM
        if self._left:
            _log.warning("the bridge died repeatedly: deliveries are taken one by one", times=deaths)

    @property
    def alone(self) -> bool:
        """Whether what `next` returns has to be durable before anything after it is looked at."""
        return self._left > 0

    def next(self, items: Sequence[Delivery | Gap]) -> Sequence[Delivery | Gap]:
        """What of 1..n items is to be handled now: all, or while `alone` the first of them."""
        if not self._left:
            return items
        some = items[: max(1, self._passed // _SHARE)]
        deliveries = sum(isinstance(item, Delivery) for item in some)
        self._passed += deliveries
        self._left = max(0, self._left - deliveries)
        first = some[0]
        if isinstance(first, Gap) and self._gaps_move:
            self._condemns = False  # what they died of is no longer there
        if self._condemns and isinstance(first, Delivery):
            self._condemns = False
            _log.error("a delivery is dead-lettered as poison", times=self._deaths)
            return [Poison(first, self._deaths)]
        return some
