"""What waits for one partition, in order."""

import asyncio
from collections import deque
from dataclasses import dataclass

from bridge.model import Record
from bridge.sinks.kafka.batch import Batch
from bridge.sinks.kafka.window import Send

_MANY = 16


@dataclass(slots=True)
class Piece:
    """The records of one send that go to one partition."""

    send: Send
    records: list[Record]
    latest_ms: int
    """The latest CreateTime that brokers accept, as of the send: the same again when it is sent again."""
    start: int = 0
    """Records before this index are settled."""


class Lane:
    """
    The queue of one partition. What is under way stays at its head until Kafka confirms it, so nothing needs to be put
    back when a producer is given up: the next one begins at the head again.

    One batch is under way at a time. A second one would gain next to nothing (aiokafka has one request per partition
    in flight, whatever it is given), and Kafka accepts it when the first batch of a producer is refused: order lost.
    """

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.pieces: deque[Piece] = deque()
        self.task: asyncio.Task[None] | None = None
        self.since: float | None = None
        """Since when a batch is under way, on the clock's `monotonic`."""
        self._struck: Record | None = None
        self._strikes = 0
        self._innocents = 0
        self._suspects = 0
        self._together = 0
        self._written = 0
        self._loaded = 0

    @property
    def searching(self) -> bool:
        """Whether there is a culprit, or was, among the next records."""
        return self._suspects > 0

    def load(self, batch: Batch, limit: int) -> int:
        """
        Fill a batch from the head of the queue and return how many records it took.

        Records of a refused batch go in smaller batches, until the culprit is alone; those that were taken before it,
        and have to be sent again, go together once more.

        Args:
            limit: bytes before compression that a record alone in its batch may have; not less than what the batch may
                become, so that only its first record can be larger.

        Returns:
            0: the record at the head is larger than that; the batch is of no use.

        Raises:
            TypeError, ValueError and others: a record cannot be encoded; the batch is of no use. See `blame`.
        """
        most = self._innocents or (min(self._suspects, self._together) if self._suspects else -1)
        try:
            for piece in self.pieces:
                start, stop = piece.start, len(piece.records)
                if most >= 0:
                    stop = min(stop, start + most - batch.record_count())
                if not batch.extend(piece.records, start, stop, piece.latest_ms):
                    break  # the batch is full
        finally:
            self._loaded = batch.record_count() if batch.size() <= limit else 0
        return self._loaded

    def blame(self) -> bool:
        """`load` raised: returns whether the culprit is at the head; if not, those before it go first, alone."""
        if self._loaded:
            self._suspects, self._together = max(self._suspects, self._loaded + 1), self._loaded
        return not self._loaded

    def confirm(self, count: int) -> bool:
        """The first `count` records are written. Returns whether a send lost its last piece by it."""
        innocents = min(count, self._innocents)
        self._innocents -= innocents
        if self._suspects and count > innocents:
            self._suspects = max(0, self._suspects - (count - innocents))
            self._together *= 2
        return self._advance(count)

    def suspect(self, count: int) -> None:
        """
        The first `count` records, 2 or more, were refused together: try half as many, or of many an eighth: each is a
        round trip.
        """
        self._innocents = 0
        self._suspects = max(self._suspects, count)
        self._together = count // 2 if count < _MANY else count // 8

    def strike(self) -> int:
        """
        The record at the head was refused alone, for a reason that may be the broker's. Returns how often by now, also
        when those before it had to be written again in between.
        """
        _, record = self.head()
        if record is not self._struck:
            self._struck, self._strikes = record, 0
        self._strikes += 1
        return self._strikes

    def drop_head(self) -> bool:
        """The record at the head was refused alone and is replaced elsewhere. Returns as `confirm`."""
        # One culprit is rarely alone (a time that the topic does not take, say): the next are tried two by two.
        self._suspects = max(0, self._suspects - 1)
        self._together = 2
        ended = self._advance(1)
        self._written -= 1
        return ended

    def head(self) -> tuple[Piece, Record]:
        """The record at the head; there is one."""
        piece = self.pieces[0]
        return piece, piece.records[piece.start]

    def rewind(self) -> None:
        """
        Nothing of what was written since the last `keep` lasts, and the queue is emptied: all of it is queued again,
        and what was learnt of its records is still known.
        """
        if self._suspects:
            self._innocents = self._written
        self._written = 0
        self.pieces.clear()

    def keep(self) -> None:
        """All that was written lasts."""
        self._innocents = self._suspects = self._written = 0
        self._struck = None

    def amend_head(self, record: Record) -> None:
        """Put another record in the place of the one at the head, as a piece of its own."""
        piece, _ = self.head()
        send = piece.send
        self.pieces.appendleft(Piece(send, [record], piece.latest_ms))
        send.pieces += 1
        piece.start += 1
        if piece.start == len(piece.records):
            del self.pieces[1]
            send.pieces -= 1

    def _advance(self, count: int) -> bool:
        self._written += count
        ended = False
        while count:
            piece = self.pieces[0]
            left = len(piece.records) - piece.start
            if count < left:
                piece.start += count
                break
            count -= left
            self.pieces.popleft()
            piece.send.pieces -= 1
            ended = ended or not piece.send.pieces
        return ended
