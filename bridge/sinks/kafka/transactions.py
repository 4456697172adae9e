"""Whole sends, and how far they reach, in one Kafka transaction after another."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from bridge.clock import Clock
from bridge.errors import FencedError, SinkError
from bridge.model import Record
from bridge.sinks import LettersWritten
from bridge.sinks.kafka.lanes import Lanes
from bridge.sinks.kafka.positions import Begun, Stored
from bridge.sinks.kafka.producer import Producer
from bridge.sinks.kafka.window import Send, Window

SENDS = 6
"""Under way at most: as many as a chain hands over, so that half are gathered while the others are committed."""

# From the beginning of one transaction to that of the next, while there is little to send: what comes alone goes at
# once, what comes in a stream shares transactions. Each costs Kafka a marker in every partition it touches.
PACE_SECONDS = 0.05
# The same when no further send may come before the commit: the source gathers more meanwhile.
_FULL_PACE_SECONDS = 0.02
# Then it goes at once: as many as a send of a full read has.
_RECORDS = 2000
# With so many a transaction is full: half of what SENDS full reads of single events hold. The others are gathered while
# it is committed; with all of them in one, whoever hands them over had nothing to do until Kafka answered.
_FULL_RECORDS = 3000

MakeLanes = Callable[[Window, Callable[[Record, Record | None], None]], Lanes]


@dataclass(slots=True)
class Entry:
    """One send, whole."""

    send: Send
    records: Sequence[Record]
    """As they are sent: what was refused is replaced by its dead letter."""
    position: bytes | None
    begun: Begun | None = None
    """1 time: it only notes that what lies behind a place is about to be looked at; -1: it takes that back."""


@dataclass(slots=True)
class Transaction:
    """What is written together; the same again until it is known to be committed."""

    entries: list[Entry]
    stored: Stored


class Transactions:
    """
    Life: `resolve` with what is stored, once a producer has fenced everybody else, then `run` over that producer; and
    again, when it broke.

    Args:
        window: of the sends; one is confirmed when its transaction is committed.
        make_lanes: makes the lanes that write the records, from their own window, and from what is to be called with a
            record and what replaces it.
        transactional_id, topic: whose position is stored, and where.
        letters_written: of dead letters that are kept elsewhere; None: there are none.
    """

    def __init__(
        self,
        window: Window,
        make_lanes: MakeLanes,
        *,
        transactional_id: str,
        topic: str,
        clock: Clock,
        letters_written: LettersWritten | None = None,
    ) -> None:
        self.committed = 0
        """Transactions so far; with the first one we have taken our place."""
        self.position: bytes | None = None
        """The last one that is committed."""
        self.begun = Begun()
        """How often it was noted that what lies behind that is looked at, and nothing was committed since."""
        self._window = window
        self._parts = Window()
        self.lanes = make_lanes(self._parts, self._replace)
        self._transactional_id = transactional_id
        self._topic = topic
        self._letters_written = letters_written
        self._clock = clock
        self._writer = uuid4().hex
        self._waiting: list[Entry] = []
        self._records = 0
        self._news = asyncio.Event()
        self._open: Transaction | None = None
        """Begun, and not known to be committed."""
        self._opened = float("-inf")  # of the loop's clock: the pace is the network's

    def put(self, send: Send, records: Sequence[Record], position: bytes | None, *, begun: Begun | None = None) -> None:
        """Queue a send for the next transaction. Its position covers it and all before it; None: none of its own."""
        send.pieces = 1
        self._waiting.append(Entry(send, records, position, begun))
        self._records += len(records)
        self._news.set()

    def check(self, stored: Stored | None) -> None:
        """
        Whether our place is still ours, by what is stored. Before the first commit it is nobody's; where nothing is
        stored any more, somebody has deleted the topic, but nobody writes in our place.

        Raises:
            FencedError: another writer has it.
        """
        if self.committed and stored is not None and stored.writer != self._writer:
            raise FencedError(
                f"another bridge writes to Kafka as {self._transactional_id}: it has taken over, or it reads another "
                "broker under the same label and group (give one of them another: --from LABEL=URL, --group)"
            )

    def resolve(self, stored: Stored | None) -> None:
        """
        Learn from what is stored where we are: whether the transaction whose end is unknown was committed.

        Raises:
            FencedError: as `check`.
        """
        self.check(stored)
        if not self.committed:
            self.position, self.begun = (stored.position, stored.begun) if stored is not None else (None, Begun())
            if self._open is not None:  # of our own first one we know nothing: somebody else may have come between
                self._waiting[:0], self._open = self._open.entries, None
        elif self._open is not None and stored == self._open.stored:
            self._settle(self._open)

    async def run(self, producer: Producer, partitions: Mapping[str, int], limits: Mapping[str, int]) -> BaseException:
        """
        Write what is queued, and what comes, over this producer. Returns why it is of no more use; the transaction that
        it was in may be committed or not.

        Raises:
            SinkError: it can never be written.
        """
        running = asyncio.create_task(self.lanes.run(producer, partitions, limits), name="kafka lanes")
        writing = asyncio.create_task(self._write_all(producer), name="kafka transactions")
        tasks = (writing, running)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            writer, lanes = await asyncio.gather(*tasks, return_exceptions=True)
            self.lanes.rewind()
        error = writer if isinstance(lanes, asyncio.CancelledError) else lanes
        if isinstance(error, SinkError):
            raise error
        return error or RuntimeError("nothing is written any more")

    async def _write_all(self, producer: Producer) -> None:
        while True:
            if self._open is None:
                await self._due()
                self._open = self._next()
            await self._write(producer, self._open)
            self._settle(self._open)

    async def _due(self) -> None:
        """Wait until there is something to write, and enough of it, or it is time."""
        loop = asyncio.get_running_loop()
        while not self._waiting:
            await self._heard(None)
        while self._records < _RECORDS:
            left = self._opened + (_FULL_PACE_SECONDS if self._window.full else PACE_SECONDS) - loop.time()
            if left <= 0:
                break
            await self._heard(left)

    async def _heard(self, seconds: float | None) -> None:
        """Wait for the next send, so long at most."""
        self._news.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    def _next(self) -> Transaction:
        count = records = 0
        while count < len(self._waiting) and records < _FULL_RECORDS:
            records += len(self._waiting[count].records)
            count += 1
        entries, self._waiting = self._waiting[:count], self._waiting[count:]
        self._records = sum([len(entry.records) for entry in self._waiting])
        positions = [entry.position for entry in entries if entry.position is not None]
        position = positions[-1] if positions else self.position
        begun = self.begun
        for entry in entries:
            if entry.begun is not None:
                begun = begun.plus(entry.begun)
            elif entry.records or entry.position is not None:
                begun = Begun()
        return Transaction(entries, Stored(position, self._writer, self.committed, begun))

    async def _write(self, producer: Producer, transaction: Transaction) -> None:
        """
        Returns when it is committed. What it raises says that the producer is of no more use.

        A position must not be committed before the letters of what lies before it are written. Those of earlier
        attempts are waited for with no transaction open, which Kafka would give up, and whose readers would wait.

        Raises:
            SinkError: a dead letter that is kept elsewhere cannot be written.
        """
        if self._letters_written is not None:
            await self._letters_written()
        self._opened = asyncio.get_running_loop().time()
        await producer.begin()
        whole = await self._parts.open()
        for entry in transaction.entries:
            self.lanes.put(whole, entry.records)
        now_ms = int(self._clock.now() * 1000)
        self.lanes.put(whole, [transaction.stored.record(self._topic, self._transactional_id, now_ms)])
        await whole.confirmation
        if self._letters_written is not None:
            await self._letters_written()
        self.lanes.since = self._clock.monotonic()
        try:
            await producer.commit()
        finally:
            self.lanes.since = None
        self.lanes.keep()

    def _settle(self, transaction: Transaction) -> None:
        """It is committed."""
        self._open = None
        self.committed += 1
        self.position, self.begun = transaction.stored.position, transaction.stored.begun
        for entry in transaction.entries:
            entry.send.pieces = 0
        self._window.settle()

    def _replace(self, record: Record, letter: Record | None) -> None:
        """Should the transaction be written again, then with the dead letter."""
        for entry in self._open.entries if self._open is not None else ():
            for index, one in enumerate(entry.records):
                if one is record:
                    letters = [] if letter is None else [letter]
                    entry.records = [*entry.records[:index], *letters, *entry.records[index + 1 :]]
                    return
