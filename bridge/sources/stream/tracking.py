"""When the broker is told up to where everything is settled (its "offset tracking"). No I/O."""

from collections import deque

from bridge.clock import Clock

_EVERY_ITEMS = 10_000
"""Settled deliveries after which it is told without waiting for the second to be over."""

_EVERY_SECONDS = 1.0
"""What a crash repeats, at most, is what was settled in this time. Each telling is an entry of the stream's log."""

_IN_THE_LOG_SECONDS = 10.0
"""How long after it was told its entry may still lie ahead of a reader that is not far behind."""


class Tracking:
    """
    Decides when to store a position.

    A stored position takes an offset of the stream where no message is written at the same time (osiris writes a chunk
    of its own for it; measured on RabbitMQ 3.10: three positions stored while nobody publishes, and the next message's
    offset is three higher). A reader meets such offsets as a jump over nothing.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._stored: bytes | None = None
        self._stored_at = clock.monotonic()
        self._items = 0
        self._ahead: deque[float] = deque()

    def settled(self, items: int) -> None:
        """So many deliveries more are settled."""
        self._items += items

    def due(self, position: bytes | None, *, now: bool = False) -> bool:
        """Whether `position` is to be stored; with `now` whenever it is another than the last one."""
        if position is None or position == self._stored:
            return False
        return now or self._items >= _EVERY_ITEMS or self._clock.monotonic() - self._stored_at >= _EVERY_SECONDS

    def stored(self, position: bytes) -> None:
        """It was sent to the broker."""
        self._stored, self._stored_at, self._items = position, self._clock.monotonic(), 0
        self.noted()

    def noted(self) -> None:
        """Something was stored that is an entry of the stream's log: a position, or a count (see `Starts`)."""
        self._ahead.append(self._clock.monotonic())

    def explains(self, jump: int) -> bool:
        """Whether so many offsets without a message can be what was stored just now. Each explains once."""
        oldest = self._clock.monotonic() - _IN_THE_LOG_SECONDS
        while self._ahead and self._ahead[0] < oldest:
            self._ahead.popleft()
        if jump > len(self._ahead):
            return False
        for _ in range(jump):
            self._ahead.popleft()
        return True
