"""From chunks to items in the stream's order: what is old is dropped, what is missing is told."""

from collections.abc import Callable, Sequence
from typing import NoReturn

import structlog

from bridge.clock import Clock
from bridge.errors import ConnectError
from bridge.model import Delivery, Gap
from bridge.sources.stream.chunk import Chunk, read_chunk
from bridge.sources.stream.held import Held
from bridge.sources.stream.messages import Messages, Single, moment_of, position_of
from bridge.sources.stream.place import OLDEST, Place
from bridge.sources.stream.settled import Settled
from bridge.sources.stream.starts import Starts
from bridge.sources.stream.tracking import Tracking
from bridge.sources.stream.window import Window
from bridge.weight import weigh

_log = structlog.get_logger()

_LAG_SECONDS = 10.0
"""How long a replica may lag behind; one that ends below our position for longer is of another stream."""

_REPLACED = "the stream is not the one we read before: somebody made it anew"


class Intake:
    """
    What a source knows of its stream, over all connections. No I/O; belongs to the event loop.

    Reading goes on behind the last message that was *read*, not settled: what was read is still in memory. So a lost
    connection repeats nothing and loses nothing.

    The server is asked for one message before the one that is wanted. That it comes, in a chunk of the same moment as
    the one we read, proves that the stream is still the one we know; that it does not, that it was cut off, or that the
    stream is another.

    A jump over offsets is either messages that the stream's bounds cut off, or entries that are no messages: stored
    positions (see `Tracking`), counts of starts (see `Starts`), and one at the beginning of each segment but the first
    (osiris_log.erl: a snapshot of what is tracked; measured on RabbitMQ 3.10). What is not ours from a moment ago is
    found out: where the oldest message that the stream still has lies behind the jump, messages were cut off. How many
    offsets of the jump were none nobody can know, so what is counted as lost is an upper bound: over by one for each
    segment of the lost ones but the first (64 MiB, some 100,000 messages), and one for each position and count stored
    there.

    Args:
        prefetch: deliveries unsettled, at most.
        max_bytes: bytes of their bodies, at most.
        clock: dates deliveries and gaps.
        changed: called when there is something to hand out.
    """

    def __init__(self, prefetch: int, max_bytes: int, clock: Clock, *, changed: Callable[[], None]) -> None:
        self._clock = clock
        self._changed = changed
        self.ask_oldest: Callable[[], None] = lambda: None
        """Called when `oldest` is wanted: the offset of the oldest message."""
        self._messages = Messages()
        self._settled = Settled()
        self.window = Window(prefetch, max_bytes)
        self.held = Held()
        self.tracking = Tracking(clock)
        self.starts = Starts()
        self._wanted: int | None = None
        """The offset of the next message to hand out; None: whichever comes first."""
        self._written: bytes | None = None
        """When the chunk was written that holds the message before it; None: not known."""
        self._place = OLDEST
        self._proven = False
        """Whether this subscription showed that the stream is the one we know."""
        self._known_bad: int | None = None
        self._waiting: list[Chunk | Single] = []
        self._whole_until = clock.now()
        """What was written before is not lost: the moment when that was written which was read last. Where it is not
        known, that of reading, or of our own start."""
        self.replicated = False
        """Whether what we read from may be a replica that lags behind another one, which we read from before."""
        self._subscribed_at = 0.0
        self.tracked = False
        """Whether positions are stored in the stream itself."""
        self.stopped = False
        """Whether nothing more is wanted."""

    # Where to begin.

    def begin(self, place: Place, *, whole_until: float | None = None, written: bytes | None = None) -> None:
        """
        The first subscription begins here; all that was written before `whole_until` was read, if that is known, and
        what lies before the place is of a chunk that was `written` then.
        """
        self._place, self._written = place, written
        if whole_until is not None:
            self._known_whole(whole_until)
        self._wanted = place.value if place.kind == "offset" else None

    def place(self) -> Place:
        """Where the next subscription is to begin. Chunks that waited for an answer come again."""
        self._waiting = []
        self.window.restart()
        self._subscribed_at = self._clock.monotonic()
        self._proven = not self._wanted
        if self._wanted is None:
            return self._place
        return Place("offset", max(self._wanted - 1, 0))

    def replaced(self, reason: str, since: float | None = None) -> None:
        """
        The stream is another than before: what it holds is read from its oldest message, behind a Gap. That begins at
        `since`, or with what was read last: what waited in the other stream is lost with it.
        """
        self._wanted, self._place, self._written = None, OLDEST, None
        self._known_bad = None
        since = self._whole_until if since is None else since
        self._tell(Gap(reason, since, self._clock.now(), position=position_of(0, since)))

    def _known_whole(self, until: float | None) -> None:
        """A clock that is ahead of ours must not make a window end before it begins."""
        now = self._clock.now()
        self._whole_until = now if until is None else min(until, now)

    # What came.

    def chunk(self, payload: bytes, at: int) -> None:
        """
        Take the chunk at `at`.

        Raises:
            ConnectError: it cannot be read, or shows that the stream is another one: connect again.
        """
        if not self.stopped:
            self.take(read_chunk(payload, at))

    def take(self, part: Chunk | Single) -> None:
        """Take a chunk, or what stands for one. Raises as `chunk`."""
        if self.stopped:
            return
        if self._waiting:
            self._waiting.append(part)
        else:
            self._take(part)

    def oldest(self, offset: int) -> None:
        """The oldest message has this offset. Raises as `chunk`."""
        waiting, self._waiting = self._waiting, []
        for number, chunk in enumerate(waiting):
            if number == 0 and self._wanted is not None and offset >= self._wanted:
                # not itself a message: the entry that the first segment which is kept begins with
                self._missing("truncated", chunk.first, chunk.first - self._wanted - 1, exact=False)
            elif number == 0:
                self._wanted, self._written = chunk.first, None
            if self._waiting:
                self._waiting += waiting[number:]
                break
            self._take(chunk)

    def _missing(self, reason: str, upto: int, lost: int, *, exact: bool) -> None:
        """So many messages before the offset `upto` are lost."""
        if lost > 0:
            since = self._whole_until
            self._tell(Gap(reason, since, self._clock.now(), lost, exact, position_of(upto, since)))
        self._wanted, self._written = upto, None

    def _tell(self, gap: Gap) -> None:
        self.held.put([gap], 0)
        self._changed()

    def _take(self, part: Chunk | Single) -> None:
        wanted = self._wanted
        if wanted is not None:
            if part.next < wanted and not self._proven:
                if self.replicated and self._clock.monotonic() - self._subscribed_at < _LAG_SECONDS:
                    self.window.arrived(0, 0)
                    return
                self._other(part, wanted)
            if not self._proven and self._is_of_another(part, wanted):
                self._other(part, wanted)
            self._proven = True
            if part.first > wanted and not self.tracking.explains(part.first - wanted):
                self._waiting.append(part)
                self.ask_oldest()
                return
        self._wanted = max(part.next, wanted or 0)
        now = self._clock.now()
        try:
            deliveries = self._read(part, wanted or 0, now)
        except ConnectError:
            self._wanted = wanted
            if self._known_bad != part.first:
                self._known_bad = part.first  # perhaps the network's fault: it is asked for once more
                raise
            first = max(part.first, wanted or 0)
            upto = max(part.next, first)
            self._missing("unreadable", upto, upto - first, exact=True)
            deliveries = []
        else:
            if part.next == self._wanted:
                self._written = part.written if isinstance(part, Chunk) else None
        self.put(deliveries)
        if deliveries:
            self._known_whole(moment_of(part.written) if isinstance(part, Chunk) else now)

    def _is_of_another(self, part: Chunk | Single, wanted: int) -> bool:
        """Whether the message before the wanted one is there, but was written at another moment than that we read."""
        if self._written is None or not isinstance(part, Chunk):
            return False
        return part.first < wanted <= part.next and part.written != self._written

    def _other(self, part: Chunk | Single, wanted: int) -> NoReturn:
        _log.warning("stream is another than before", position=wanted, first=part.first, end=part.next)
        self.replaced("stream-replaced")
        raise ConnectError(_REPLACED)

    def _read(self, part: Chunk | Single, wanted: int, now: float) -> list[Delivery]:
        if isinstance(part, Single):
            return self._messages.single(part, wanted, now)
        if not part.whole:
            raise ConnectError(f"the chunk at offset {part.first} has a wrong checksum")
        handed = self._messages.handed
        try:
            return self._messages.read(part, wanted, now)
        except ConnectError:
            self._messages.handed = handed
            raise

    def put(self, deliveries: list[Delivery]) -> None:
        """They are next."""
        _, size = weigh(deliveries)
        self.window.arrived(len(deliveries), size)
        self.held.put(deliveries, size)
        if deliveries:
            self._changed()

    # What is settled.

    def settle(self, deliveries: Sequence[Delivery]) -> None:
        """They are settled."""
        count, size = self._settled.settle(deliveries, self._messages.handed)
        if count:
            self.window.settled(count, size)
            self.tracking.settled(count)
            self.starts.settled(count)

    @property
    def settled(self) -> int:
        """The tag up to which all are settled."""
        return self._settled.reached

    @property
    def position(self) -> bytes | None:
        """Where to go on: up to here everything is settled."""
        return self._settled.position
