"""All lanes of a sink: distributes records over them, and sends what waits there over one producer at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from bridge.clock import Clock
from bridge.errors import SinkError
from bridge.model import Record
from bridge.sinks import DeadLetter
from bridge.sinks.kafka.batch import Batch
from bridge.sinks.kafka.culprits import Culprits
from bridge.sinks.kafka.lane import Lane, Piece
from bridge.sinks.kafka.outage import Outage
from bridge.sinks.kafka.producer import Producer
from bridge.sinks.kafka.refusal import Refusal, blame_of_topic, judge
from bridge.sinks.kafka.spread import spread
from bridge.sinks.kafka.window import Send, Window

# Brokers refuse a CreateTime more than an hour ahead of them (message.timestamp.after.max.ms); ten minutes are for
# clocks that disagree.
_AHEAD_MS = 50 * 60 * 1000
# A record refused alone for a reason that may be the broker's is taken for the culprit after so many attempts, with
# `keeper.DOUBT_SECONDS` between them.
_STRIKES = 5
_TICK_SECONDS = 1.0
# Without a confirmation for so long it is said in the log why; a replica that is restarted takes less.
_SILENCE_SECONDS = 5.0
# So often it is asked whether the brokers moved. After the other a new producer is tried in any case, for the
# unforeseen: aiokafka recovered from every outage that was measured, and what was under way may be repeated.
_MOVED_SECONDS = 20.0
STALL_SECONDS = 300.0
# What is under way on other partitions may be confirmed still when one breaks the producer: less to repeat.
_SETTLE_SECONDS = 2.0
_SMALLEST_BATCH_BYTES = 64 * 1024
# Of the loop, in which the source hears of what is confirmed, before the next batch is made: a crash would repeat it.
_TURNS = 2


class Lanes:
    """
    Args:
        topic, dead_letter_topic: where a record without a topic goes, and what was refused.
        dead_letter: makes a dead letter; called once per refused record.
        diagnose: says why Kafka is silent; it may ask the servers.
        stall_seconds: how long a batch may be under way before a new producer is tried.
        replaced: called with a record and what took its place.
    """

    def __init__(
        self,
        window: Window,
        outage: Outage,
        *,
        topics: tuple[str, str],
        dead_letter: DeadLetter,
        diagnose: Callable[[], Awaitable[str]],
        record_bytes: int,
        batch_bytes: int,
        clock: Clock,
        stall_seconds: float = STALL_SECONDS,
        replaced: Callable[[Record, Record | None], None] | None = None,
    ) -> None:
        self.batch_bytes = batch_bytes
        """How large a batch may become; halved when a topic whose limit we may not read refuses one."""
        self.confirmed = 0
        """Batches that Kafka confirmed so far."""
        self.learnt = 0
        """Refusals so far that left fewer records to suspect, or a dead letter: what comes next is something else."""
        self.since: float | None = None
        """Since when something else is under way over the producer, on the clock's `monotonic`."""
        self._window, self._outage = window, outage
        self._topic = topics[0]
        self._culprits = Culprits(*topics, dead_letter, self._limit, clock)
        self._replaced = replaced
        self._stall_seconds = stall_seconds
        self._diagnose = diagnose
        self._record_bytes = record_bytes
        self._clock = clock
        self._lanes: dict[tuple[str, int], Lane] = {}
        self._partitions: dict[str, int] = {}
        self._limits: Mapping[str, int] = {}
        self._producer: Producer | None = None
        self._broken: asyncio.Future[BaseException] | None = None
        self._turn = self._kept_turn = 0

    def put(self, send: Send, records: Sequence[Record]) -> None:
        """
        Queue records behind those queued before, each key's in its partition. `run` was called at least once before.

        Raises:
            SinkError: a record is for a topic that is not ours.
        """
        self._turn += 1
        groups = spread(records, self._topic, self._counts(), self._turn)
        latest = int(self._clock.now() * 1000) + _AHEAD_MS
        for topic, number, group in groups:
            self._queue((topic, number), Piece(send, group, latest))

    async def run(self, producer: Producer, partitions: Mapping[str, int], limits: Mapping[str, int]) -> BaseException:
        """
        Send what is queued, and what comes, over this producer. Returns why it is of no more use; what was not
        confirmed stays queued.

        Raises:
            SinkError: a dead letter cannot be made.
        """
        self._partitions = dict(partitions)
        self._limits = limits
        self._rehome()
        self._producer = producer
        self._broken = asyncio.get_running_loop().create_future()
        for lane in self._lanes.values():
            self._wake(lane)
        try:
            error = await self._watch(producer, self._broken)
            self._producer = None
            await self._end_lanes(_SETTLE_SECONDS if self._replaced is None else 0)
        finally:
            self._producer = None
            await self._end_lanes(0)
        if isinstance(error, SinkError):
            raise error
        return error

    def rewind(self) -> None:
        """Nothing lasts of what was written since the last `keep`, nobody waits for it; all of it is `put` again."""
        for lane in self._lanes.values():
            lane.rewind()
        self._turn = self._kept_turn  # to the same partitions again
        self._window.forget()

    def keep(self) -> None:
        """All that was put has been written, and lasts."""
        for lane in self._lanes.values():
            lane.keep()
        self._kept_turn = self._turn

    def _counts(self) -> dict[str, int]:
        """Partitions per topic, refreshed where the producer knows more."""
        if self._producer is not None:
            for topic in self._partitions:
                self._partitions[topic] = self._producer.partitions(topic) or self._partitions[topic]
        return self._partitions

    def _queue(self, place: tuple[str, int], piece: Piece) -> None:
        lane = self._lanes.get(place)
        if lane is None:
            lane = self._lanes[place] = Lane(*place)
        lane.pieces.append(piece)
        piece.send.pieces += 1
        self._wake(lane)

    def _rehome(self) -> None:
        """A topic was made anew with fewer partitions: what waits for those that are gone goes where it belongs now."""
        gone = [place for place in self._lanes if place[1] >= self._partitions.get(place[0], 0)]
        for place in gone:
            for piece in self._lanes.pop(place).pieces:
                self.put(piece.send, piece.records[piece.start :])
                piece.send.pieces -= 1

    def _usable(self, producer: Producer) -> bool:
        return self._producer is producer and self._broken is not None and not self._broken.done()

    def _wake(self, lane: Lane) -> None:
        producer = self._producer
        if producer is not None and self._usable(producer) and lane.pieces and (lane.task is None or lane.task.done()):
            lane.task = asyncio.create_task(self._drive(lane, producer), name=f"kafka {lane.topic}-{lane.partition}")

    async def _drive(self, lane: Lane, producer: Producer) -> None:
        """Send what waits in a lane, batch after batch, until there is nothing or the producer is given up."""
        try:
            while lane.pieces and self._usable(producer):
                batch = producer.batch()
                try:
                    count = lane.load(batch, self._limit(lane.topic))
                except Exception as error:  # noqa: BLE001 - whatever a record's header or key makes of aiokafka's code
                    if lane.blame():
                        self._refuse_head(lane, Refusal.RECORD, f"cannot be encoded ({type(error).__name__})")
                    continue
                if count:
                    await self._write(lane, producer, batch, count)
                    for _ in range(_TURNS if lane.pieces and self._replaced is None else 0):
                        await asyncio.sleep(0)
                else:
                    self._refuse_head(lane, Refusal.TOO_LARGE, f"larger than {self._limit(lane.topic)} bytes")
        except Exception as error:  # noqa: BLE001 - whatever it is, the producer's owner hears of it
            self._break(error)

    async def _write(self, lane: Lane, producer: Producer, batch: Batch, count: int) -> None:
        lane.since = self._clock.monotonic()
        try:
            await producer.send(batch, lane.topic, lane.partition)
        except Exception as error:  # noqa: BLE001 - aiokafka also raises AssertionError, TypeError, KeyError (its issues)
            self._failed(lane, count, error)
        else:
            self.confirmed += 1
            self._culprits.taken(lane.topic)
            if lane.confirm(count):
                self._window.settle()
        finally:
            lane.since = None

    def _failed(self, lane: Lane, count: int, error: Exception) -> None:
        """A batch of `count` records failed: find the culprit, or give the producer up, or both."""
        refusal = judge(error)
        if refusal in {Refusal.DENIED, Refusal.BROKEN}:
            self._break(error)
            return
        limit_is_news = refusal is Refusal.TOO_LARGE and not lane.searching
        if count > 1:
            lane.suspect(count)
            self.learnt += 1
            if limit_is_news:
                self.batch_bytes = max(_SMALLEST_BATCH_BYTES, self.batch_bytes // 2)
        elif refusal is not Refusal.PERHAPS_RECORD or lane.strike() >= _STRIKES:
            self._refuse_head(lane, refusal, f"refused with {type(error).__name__}", blame_of_topic(error))
        # A new producer looks at the topic's limit. And what may be the broker's fault may be this producer's, or its
        # transaction's; such a record may even have been written, and the next one, with its number, must not pass for
        # it. Fewer records with the numbers of more that were written are out of order to the broker.
        if limit_is_news or (refusal is Refusal.PERHAPS_RECORD and count == 1):
            self._break(error)

    def _refuse_head(self, lane: Lane, refusal: Refusal, reason: str, code: str = "") -> None:
        """
        Put a dead letter in the place of the record at the head of a lane.

        Raises:
            BlockedError, SinkError: see `Culprits.replace`.
        """
        piece, record = lane.head()
        letter = self._culprits.replace(lane.topic, record, refusal, reason, code)
        self.learnt += 1
        if self._replaced is not None:
            self._replaced(record, letter)
        if letter is not None and lane.topic == letter.topic:
            lane.amend_head(letter)
            return
        self.put(piece.send, [letter] if letter is not None else [])
        if lane.drop_head():
            self._window.settle()

    def _limit(self, topic: str) -> int:
        return min(self._record_bytes, self._limits.get(topic, self._record_bytes))

    def _break(self, error: BaseException) -> None:
        if self._broken is not None and not self._broken.done():
            self._broken.set_result(error)

    async def _watch(self, producer: Producer, broken: "asyncio.Future[BaseException]") -> BaseException:
        """Wait for the producer's end; meanwhile say it when Kafka is silent, and when it no longer is."""
        tasks = producer.tasks()
        seen, ask_after = self.confirmed, _MOVED_SECONDS
        while True:
            await asyncio.wait({broken, *tasks}, timeout=_TICK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if broken.done():
                return broken.result()
            ended = [task for task in tasks if task.done()]
            if ended:
                failure = None if ended[0].cancelled() else ended[0].exception()
                return failure or RuntimeError("aiokafka ended a task of its own")
            if (silent := self._silent_seconds()) > self._stall_seconds:
                return TimeoutError(f"Kafka did not confirm a batch for {silent:.0f} seconds")
            if silent > ask_after:
                ask_after += _MOVED_SECONDS
                if await producer.moved():
                    return ConnectionError("the brokers have other addresses now")
            if silent > _SILENCE_SECONDS:
                await self._tell_silence()
            elif self._outage.is_down and (self.confirmed > seen or not len(self._window)):
                self._outage.up()
            seen = self.confirmed

    def _silent_seconds(self) -> float:
        """How long what waits longest has been under way."""
        since = [at for at in (self.since, *(lane.since for lane in self._lanes.values())) if at is not None]
        return self._clock.monotonic() - min(since) if since else 0.0

    async def _tell_silence(self) -> None:
        if self._outage.wants_news():
            reason = await self._diagnose()
            if self._silent_seconds() > _SILENCE_SECONDS:
                self._outage.down(f"no confirmation: {reason}", unconfirmed=len(self._window))

    async def _end_lanes(self, seconds: float) -> None:
        """Wait for the lanes' tasks; end those that take longer."""
        tasks = {lane.task for lane in self._lanes.values() if lane.task is not None and not lane.task.done()}
        if tasks and seconds:
            await asyncio.wait(tasks, timeout=seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
