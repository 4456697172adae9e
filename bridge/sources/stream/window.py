"""What was read and is not settled, and how many chunks may be asked for. No I/O."""

_MOST_CHUNKS = 256
"""Asked for at once, at most: 256 chunks of one message are still 25,000 messages/s at 10 ms to the broker, and a chunk
cannot be taken back when the next ones are a thousand times as large."""

_SETTLING = 0.2
"""How far one smaller chunk moves what is expected of the next ones; a larger one counts at once."""


class Window:
    """
    Credit is given in chunks, which hold one message or thousands: what may be asked for is what the bounds leave,
    divided by the size of the chunks seen of late, and no more chunks than were seen so far. Larger ones may come than
    were ever seen: so whoever reads also stops behind the chunk with which the bounds are `reached`, whatever else was
    asked for. What comes too much waits in the sockets until there is room, and the bounds are kept but for the rest of
    one chunk. To ask by the largest chunk of late instead would keep the sockets empty and cost speed, for chunks of
    one and of hundreds of messages come in turns (100,000 events: 480 reads of the socket instead of 280).

    Args:
        prefetch: deliveries unsettled, at most.
        max_bytes: bytes of their bodies, at most.
    """

    def __init__(self, prefetch: int, max_bytes: int) -> None:
        self._prefetch = prefetch
        self._max_bytes = max_bytes
        self._chunk_items = self._chunk_bytes = 0.0
        self._asked = self._seen = 0
        self.items = 0
        """Deliveries that are not settled, over all connections."""
        self.bytes = 0

    @property
    def reached(self) -> bool:
        """Whether as much as is wanted is here."""
        return self.items >= self._prefetch or self.bytes >= self._max_bytes

    @property
    def full(self) -> bool:
        """So much more than wanted is here that nothing more may be read from the socket."""
        return self.bytes >= 2 * self._max_bytes or self.items >= 4 * self._prefetch + 10_000

    def restart(self) -> None:
        """A new subscription: nothing has been asked for, and nothing is known of the chunks here."""
        self._asked = self._seen = 0

    def arrived(self, items: int, size: int) -> None:
        """A chunk came, with so many deliveries for us, whose bodies have `size` bytes."""
        self._asked = max(self._asked - 1, 0)
        self._seen += 1
        self._chunk_items = _expected(self._chunk_items, items)
        self._chunk_bytes = _expected(self._chunk_bytes, size)
        self.items += items
        self.bytes += size

    def settled(self, items: int, size: int) -> None:
        """So many of them are settled."""
        self.items -= items
        self.bytes -= size

    def grant(self) -> int:
        """
        How many chunks to ask for now, 0 or more; they count as asked for. Few at a time only when few are allowed:
        a frame of credit for every message would cost the broker more than the message.
        """
        allowed = self._allowed()
        if self._asked and 2 * self._asked > allowed:
            return 0
        granted = max(allowed - self._asked, 0)
        self._asked += granted
        return granted

    def _allowed(self) -> int:
        room = (self._prefetch - self.items, self._chunk_items), (self._max_bytes - self.bytes, self._chunk_bytes)
        chunks = min((-(-left // each) if each else _MOST_CHUNKS for left, each in room), default=0)
        return int(max(0 if self.items else 1, min(chunks, self._seen + 1, _MOST_CHUNKS)))


def _expected(before: float, seen: int) -> float:
    return float(seen) if seen >= before else before + _SETTLING * (seen - before)
