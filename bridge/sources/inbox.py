"""What was read from a broker and the chain has not taken."""

import threading
from collections import deque
from collections.abc import Sequence

import orjson

from bridge.clock import Clock
from bridge.model import Delivery, Gap
from bridge.sources import MAX_READ_BYTES, MAX_READ_ITEMS

_COUNTED_BYTES = 64 * 1024
"""A lost body up to this size is parsed to count its events (about 100 us at most); a larger one counts as one."""


class Inbox:
    """
    A list in the broker's order, between who reads the broker (`put`, from any thread) and the chain (`take`). Never
    blocks.

    With a bound (for transports that keep nothing for us, where reading may not stop) what does not fit is lost, the
    newest first, until half of it is free again; one Gap with reason `overflow` stands where they would have been.
    Its `lost` counts events; `lost_exact` is False when a lost message could not be counted (it counts as one).

    Args:
        clock: dates the gaps.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._max_items = self._max_bytes = 0  # unbounded: the window bounds what the broker delivers
        self._overhead = 0
        self._lock = threading.Lock()
        self._items: deque[Delivery | Gap] = deque()
        self._bytes = 0
        self._last_kept = clock.now()
        self._whole_until: float | None = None
        self._overflow: Gap | None = None

    def bound(self, max_items: int, max_bytes: int, *, overhead: int = 0) -> None:
        """
        From now on hold at most this many items, and bodies of this many bytes (the last may go beyond); 0: any number.

        Args:
            overhead: bytes that each delivery counts besides its body. Set before the first delivery.
        """
        with self._lock:
            self._max_items, self._max_bytes, self._overhead = max_items, max_bytes, overhead

    def put(self, items: Sequence[Delivery | Gap], *, whole_until: float | None = None) -> None:
        """
        Add 0..n items behind the others.

        Args:
            whole_until: where an overflow begins in them, nothing sent before this moment is lost; when not given, the
                moment when the last delivery that was kept was read.
        """
        with self._lock:
            self._whole_until = whole_until
            if not self._put_all(items):
                for item in items:
                    self._put(item)

    def take(self) -> list[Delivery | Gap]:
        """Remove and return the oldest items, within the bounds of `Source.read`; empty when there is none."""
        with self._lock:
            items, overhead = self._items, self._overhead
            taken = [items.popleft() for _ in range(min(len(items), MAX_READ_ITEMS))]
            weights = [len(item.body) + overhead if isinstance(item, Delivery) else 0 for item in taken]
            size = sum(weights)
            while size > MAX_READ_BYTES and len(taken) > 1:
                items.appendleft(taken.pop())
                size -= weights.pop()
            self._bytes -= size
            if self._overflow is not None and self._has_room():
                self._end_overflow()
        return taken

    def forget(self) -> list[Delivery]:
        """Remove and return all deliveries: the broker gives them again. Gaps stay."""
        with self._lock:
            forgotten = [item for item in self._items if isinstance(item, Delivery)]
            self._items = deque(item for item in self._items if isinstance(item, Gap))
            self._bytes = 0
        return forgotten

    def _put_all(self, items: Sequence[Delivery | Gap]) -> bool:
        """Add deliveries at once, where nothing is to be looked at one by one; returns whether it did."""
        if self._overflow is not None or not items:
            return False
        weights = [len(item.body) for item in items if isinstance(item, Delivery)]
        size, last = self._bytes + sum(weights) + self._overhead * len(items), items[-1]
        if (
            len(weights) < len(items)
            or (self._max_items and len(self._items) + len(items) > self._max_items)
            or (self._max_bytes and size > self._max_bytes)
            or not isinstance(last, Delivery)
        ):
            return False
        self._items += items
        self._bytes = size
        self._last_kept = last.received_at or self._last_kept
        return True

    def _put(self, item: Delivery | Gap) -> None:
        if isinstance(item, Gap):
            self._end_overflow()
            self._items.append(item)
        elif self._overflow is not None or self._is_full():
            self._lose(item)
        else:
            self._items.append(item)
            self._bytes += len(item.body) + self._overhead
            self._last_kept = item.received_at or self._last_kept

    def _is_full(self) -> bool:
        return bool(
            (self._max_items and len(self._items) >= self._max_items)
            or (self._max_bytes and self._bytes >= self._max_bytes)
        )

    def _has_room(self) -> bool:
        """Half free: to go on at every free place would make a gap of every few lost events."""
        return not (
            (self._max_items and 2 * len(self._items) > self._max_items)
            or (self._max_bytes and 2 * self._bytes > self._max_bytes)
        )

    def _lose(self, delivery: Delivery) -> None:
        if self._overflow is None:
            begin = self._last_kept if self._whole_until is None else self._whole_until
            self._overflow = Gap("overflow", begin, begin, lost=0, lost_exact=True)
        events = _events(delivery)
        self._overflow.lost = (self._overflow.lost or 0) + (1 if events is None else events)
        self._overflow.lost_exact = self._overflow.lost_exact and events is not None

    def _end_overflow(self) -> None:
        if self._overflow is not None:
            self._overflow.to_time = self._clock.now()
            self._items.append(self._overflow)
            self._overflow = None


def _events(delivery: Delivery) -> int | None:
    """How many events a lost message held; None when that cannot be told cheaply."""
    if len(delivery.body) > _COUNTED_BYTES or delivery.headers.get("compression"):
        return None
    try:
        body = orjson.loads(delivery.body)
    except orjson.JSONDecodeError:
        return None
    return len(body) if isinstance(body, list) else 1
