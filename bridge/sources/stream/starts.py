"""How often bridges began to read at the position that the broker remembers, and settled nothing. No I/O."""

import asyncio

from bridge.model import ALONE_FROM
from bridge.sources import MAX_READ_ITEMS

CAREFUL_ITEMS = 10 * MAX_READ_ITEMS
"""Settled deliveries of which the broker is told at once, where bridges died. A chain looks at fewer before any of them
is settled."""

_COUNT_BIT = 56
_POSITION = 2**_COUNT_BIT - 1
"""As a position: none. What was noted there is found by nobody."""
_MOST = 127
"""What is read as a negative number elsewhere is not written."""


def reference_of(group: str) -> str:
    """
    Under which name it is remembered, beside the group's own. At most 234 bytes, as a group has 227; 256 are too many
    (measured on RabbitMQ 3.10, which then closes the connection).
    """
    return f"{group}.starts"


class Starts:
    """
    The count, as it is at the broker and as it is to be. Belongs to the event loop.

    It is an "offset" of 8 bytes: in the first the count, in the others the position it belongs to, or another place
    where reading was made to begin (`Place.number`). Where that is not where reading begins now, it counts for nothing:
    somebody settled something and could not say so here, or who died looked at something else.

    So it is higher than any offset, and stays: what is below the oldest message is forgotten whenever a segment begins
    (osiris_tracking.erl, snapshot; measured on RabbitMQ 3.10: a 3 was, a 3 in the first byte was not).
    """

    def __init__(self) -> None:
        self._position: int | None = None
        self._count = 0
        self._adds = 0
        """What `add` was told before the count was known."""
        self._at_broker: int | None = None
        self._careful = 0
        self._left = False
        self._told = asyncio.Event()
        self._told.set()
        self.unsaid = False
        """Whether the count is over, as something was settled, and the broker was not told."""

    @property
    def before(self) -> int:
        """How often it was noted before the last time."""
        return max(self._count - 1, 0)

    @property
    def known(self) -> bool:
        """Whether it was found out what is noted."""
        return self._position is not None

    def found(self, place: int | None, noted: int | None) -> None:
        """
        What the broker remembers.

        Args:
            place: where reading begins; None: where it never began before.
            noted: the count; None: there is none.
        """
        self._position = _POSITION if place is None else place
        if place is not None and noted is not None and noted & _POSITION == place:
            self._count = noted >> _COUNT_BIT
        if self._count >= ALONE_FROM:
            self._careful = CAREFUL_ITEMS
        self._count, self._adds = max(self._count + self._adds, 0), 0

    def add(self, begins: int) -> None:
        """To the count: 1, or -1. `told` waits until it is noted."""
        if self.known:
            self._count = max(self._count + begins, 0)
        else:
            self._adds += begins
        if not self._left:
            self._told.clear()

    @property
    def wanted(self) -> bool:
        """Whether something is to be noted."""
        return not self._told.is_set()

    @property
    def due(self) -> int | None:
        """What is to be noted; None: nothing, or nothing is known yet."""
        if self._position is None or self._told.is_set():
            return None
        return min(self._count, _MOST) << _COUNT_BIT | self._position

    def noted(self, value: int) -> None:
        """The broker has this."""
        if value == self.due:
            self._told.set()

    async def told(self) -> None:
        """Wait until it is noted, or can no longer be."""
        await self._told.wait()

    def settled(self, items: int) -> None:
        """So many deliveries more are settled: the count is over."""
        self._careful = max(self._careful - items, 0)
        if self._count:
            self._count, self.unsaid = 0, True

    @property
    def urgent(self) -> bool:
        """Whether the broker is to be told at once of what is settled."""
        return self.unsaid or self._careful > 0

    def leave(self) -> None:
        """Nothing is noted any more: it is another one's turn, or there is no connection any more."""
        self._left = True
        self._told.set()
