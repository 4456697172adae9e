"""One task as its events tell it: which state it is in, and what the next event of it will lack.

The rules are those of `celery.events.state.Task.event` and of `celery.states.precedence` (Celery 5.7); where they are
plainly wrong we differ, each place names its case in docs/explanation/state.md.
"""

from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

from bridge.model import TOLD, Context, Fields
from bridge.names import RECEIVED_FIELDS, RUNTIME, SENT_FIELDS, TIMESTAMP
from bridge.state.precedence import OVER, PENDING, RECEIVED, REJECTED, RETRY, STARTED, STATE_OF, SUCCESS, may_become
from bridge.state.texts import share

if TYPE_CHECKING:
    from mypy_extensions import i64

END_SUBJECTS: Final = frozenset({"succeeded", "failed", "revoked", "rejected", "cancelled"})

NO_KWARGS: Final = "{}"
"""Of most tasks: 64 bytes each when every task has its own."""

DURATIONS: Final = ("queue_seconds", "prefetch_seconds", "runtime", "total_seconds")

STAMPS: Final = ("client", "sent_time", "worker", "received_time", "started_time")

CLOSING: Final = TOLD << 1
"""In `Task.shape`: the run, or this try, has ended, and its durations belong to no later event."""

FIRST: Final = CLOSING << 1

BITS: Final = {name: FIRST << place for place, name in enumerate((*SENT_FIELDS, *STAMPS, *DURATIONS))}
"""Name -> its bit in `Task.shape`, in the order of SENT_FIELDS. Every name that `known` may have."""

KWARGS: Final = BITS["kwargs"]
ROOT: Final = BITS["root_id"]
TEXTS: Final = BITS["name"] | BITS["queue"] | BITS["routing_key"]
SHARED: Final = TEXTS | KWARGS | ROOT
BY_SENT: Final = BITS["client"] | BITS["sent_time"]
BY_RECEIVED: Final = BITS["worker"] | BITS["received_time"]
BY_STARTED: Final = BITS["worker"] | BITS["started_time"]
WORKER: Final = BITS["worker"]
QUEUE: Final = BITS["queue_seconds"]
PREFETCH: Final = BITS["prefetch_seconds"]
TOTAL: Final = BITS["total_seconds"]

SIGNATURE_LENGTH: Final = 10
"""The dash before an event id's last group and 9 of its digits: 36 random bits, two events of a task share them with a
chance of 1.5e-11. So that three of them and Python's own 49 bytes are 80, what its allocator gives out."""

SIGNATURE_FROM: Final = -13
SIGNATURE_TO: Final = SIGNATURE_FROM + SIGNATURE_LENGTH

SIGNATURES_KEPT: Final = 64
"""A run has 4 to 8 events; only tasks that report progress have more, and of those the newest are redelivered."""

SIGNATURES_LENGTH: Final = SIGNATURE_LENGTH * SIGNATURES_KEPT

UNKNOWN: Final = float("nan")
"""A time that no event told: none is before or after it. A number: a compiled task holds it, not 24 bytes elsewhere."""

SHAPES_KEPT: Final = 4096
"""Different ones that tasks at rest have: some dozens, as many as there are ways to leave a field null."""

_shapes: Final[dict[int, int]] = {}


def shared(shape: int) -> int:
    """An equal number, one object for all tasks that rest in it: 32 bytes each when every task has its own."""
    if not PLAIN:  # a compiled task holds the number itself
        return shape
    if len(_shapes) >= SHAPES_KEPT:
        _shapes.clear()
    return _shapes.setdefault(shape, shape)


PLAIN: Final = isinstance(shared, FunctionType)
"""Whether this runs as it stands here."""


def micro(seconds: float) -> float:
    """To the microsecond, the senders' own resolution. A quarter of the cost of `round(seconds, 6)`."""
    return int(seconds * 1e6 + 0.5) / 1e6


TIMES: Final = ("_first_sent", "_received", "_sent", "_started", "over_at", "timestamp")


class Task(Context):
    """
    What is known of one task uuid. Changed only by `fold`; 0..n folds, in the order of arrival.

    It is the Context of each of its events, until the next is folded: handing it out spares an object per event.

    `known` maps a record's field to its value as the record shows it and is merged into every record of the task, so
    it is kept up to date here, once per event, and never built per record.
    """

    __slots__ = (*TIMES, "_seen", "newer", "older", "uuid")

    def __init__(self, uuid: str) -> None:
        self.uuid = uuid
        self.state = PENDING
        self.known = {}
        self.complete = False
        self.shape = 0
        self.timestamp: float = 0.0
        """The sender's time of the event that set the state."""
        self.over_at: float = UNKNOWN
        """The sender's time of the event that ended the run; UNKNOWN while it runs."""
        self._sent: float = UNKNOWN
        self._first_sent: float = UNKNOWN
        self._received: float = UNKNOWN
        self._started: float = UNKNOWN
        self._seen = ""
        self.older: Task | None = None
        self.newer: Task | None = None
        """Its neighbours in the `Line` that it stands in, which alone changes them."""

    @property
    def over(self) -> bool:
        """Whether its run has ended."""
        return self.over_at == self.over_at  # UNKNOWN is not

    def fold(self, subject: str, fields: Fields, event_id: str, event_time: str, sender: str) -> bool:
        """
        Take one `task-<subject>` event into account. An event that was folded before changes nothing.

        Args:
            subject: what follows `task-`; anything but Celery's own is a custom state.
            fields: the event, valid by its schema; not mutated, values are shared.
            event_id: as `identify` made it.
            event_time: its timestamp as the record shows it.
            sender: its hostname, as shared by all tasks.

        Returns:
            False when the event was seen before (a redelivery).
        """
        self.shape &= ~TOLD
        signature = event_id[SIGNATURE_FROM:SIGNATURE_TO]
        seen = self._seen
        if seen and signature in seen:
            return False
        self._seen = seen + signature if len(seen) < SIGNATURES_LENGTH else seen[SIGNATURE_LENGTH:] + signature
        if self.shape & CLOSING and subject not in END_SUBJECTS:
            self._drop_durations()
        at: float = fields[TIMESTAMP]
        if subject == "started":
            self._fold_started(at, event_time, sender)
        elif subject == "succeeded":
            self._fold_succeeded(fields, at, sender)
        elif subject == "received":
            self._fold_received(fields, at, event_time, sender)
        elif subject == "sent":
            self._fold_sent(fields, at, event_time, sender)
        elif subject == "retried":
            self._fold_retried(at, sender)
        elif subject in END_SUBJECTS:
            self._end(STATE_OF[subject], at, sender)
            self._set_duration("runtime", self._started, at)
        else:
            self._advance(subject.upper(), at)
        return True

    def _fold_sent(self, fields: Fields, at: float, event_time: str, sender: str) -> None:
        # Case 4: however late it comes, it changes neither time nor worker (nor the state, but after a RETRY).
        known = self.known
        self._merge(fields, SENT_FIELDS)
        known["client"] = sender
        known["sent_time"] = event_time
        self.shape |= BY_SENT
        self._sent = at
        if not self._first_sent <= at:
            self._first_sent = at
        self.complete = True
        if self.state == PENDING:  # here and below: what nearly every task does, without asking the rules
            self.timestamp = at
        elif self.state == RETRY:
            self._advance(PENDING, at)
        if at <= self._received and not self.over:
            known["queue_seconds"] = micro(self._received - at)
            self.shape |= QUEUE

    def _fold_received(self, fields: Fields, at: float, event_time: str, sender: str) -> None:
        known = self.known
        self._merge(fields, RECEIVED_FIELDS)
        known["worker"] = sender
        known["received_time"] = event_time
        self.shape |= BY_RECEIVED
        self._received = at
        self.complete = True
        if self.state == PENDING:
            self.state, self.timestamp = RECEIVED, at
        else:
            self._advance(RECEIVED, at)
        if not self.over:
            if self._sent <= at:
                known["queue_seconds"] = micro(at - self._sent)
                self.shape |= QUEUE
            elif self._sent > at:  # two clocks: nothing is known of this try, and the try before it is not this one
                self._drop("queue_seconds")

    def _fold_started(self, at: float, event_time: str, sender: str) -> None:
        known = self.known
        known["worker"] = sender
        known["started_time"] = event_time
        self.shape |= BY_STARTED
        self._started = at
        if self.state == RECEIVED:
            self.state, self.timestamp = STARTED, at
        else:
            self._advance(STARTED, at)
        if not self.over:
            if self._received <= at:
                known["prefetch_seconds"] = micro(at - self._received)
                self.shape |= PREFETCH
            elif self._received > at:
                self._drop("prefetch_seconds")
            if not self.shape & QUEUE:  # received while the run before it was still over
                self._set_duration("queue_seconds", self._sent, self._received)
        self.shape = shared(self.shape)

    def _fold_retried(self, at: float, sender: str) -> None:
        self.known["worker"] = sender
        self.shape |= WORKER
        self._advance(RETRY, at)
        self._set_duration("runtime", self._started, at)
        self.shape |= CLOSING

    def _fold_succeeded(self, fields: Fields, at: float, sender: str) -> None:
        self._end(SUCCESS, at, sender)
        if fields.get(RUNTIME) is None:  # a deduplicated redelivery
            self._set_duration("runtime", self._started, at)

    def _end(self, state: str, at: float, sender: str) -> None:
        known = self.known
        known["worker"] = sender
        self.shape |= WORKER
        if self.state == STARTED and state != REJECTED:
            self.state, self.timestamp, self.over_at = state, at, at
        else:
            self._advance(state, at)
        if not self.shape & PREFETCH:  # a second end, after an event that took them away; or a new run
            self._set_duration("queue_seconds", self._sent, self._received)
            self._set_duration("prefetch_seconds", self._received, self._started)
        if self._first_sent <= at:
            known["total_seconds"] = micro(at - self._first_sent)
            self.shape |= TOTAL
        self.shape = shared(self.shape | CLOSING)

    def _merge(self, fields: Fields, names: tuple[str, ...]) -> None:
        """What the event says replaces what was known, a null too (Celery's `Task.__dict__.update`)."""
        known = self.known
        shape: i64 = self.shape
        bit: i64 = FIRST  # the names are SENT_FIELDS, or the first of them
        for name in names:
            value = fields.get(name)
            if value is not None:
                known[name] = self._shared(bit, value) if bit & SHARED else value
                shape |= bit
            elif shape & bit and name in fields:
                del known[name]
                shape &= ~bit
            bit <<= 1
        self.shape = shape | TOLD

    def _shared(self, bit: "i64", value: Any) -> Any:
        """The value, or what is equal to it and there anyway: most tasks are their own root."""
        if bit & TEXTS:
            return share(value)
        mine = self.uuid if bit == ROOT else NO_KWARGS
        return mine if isinstance(value, str) and value == mine else value

    def _set_duration(self, name: str, start: float, end: float) -> None:
        """Not when unknown or negative (two clocks)."""
        if start <= end:
            self.known[name] = micro(end - start)
            self.shape |= BITS[name]

    def _drop(self, name: str) -> None:
        if self.shape & BITS[name]:
            del self.known[name]
            self.shape &= ~BITS[name]

    def _drop_durations(self) -> None:
        """The durations belong to the events up to the end of the run (or this try): no later one shows them."""
        for name in DURATIONS if self.over else ("runtime",):
            self._drop(name)
        self.shape &= ~CLOSING

    def _advance(self, state: str, at: float) -> None:
        if self._received > self.over_at and self._started > self.over_at:
            # Case 3: received and started again, both later than it ended by the events' own time, is a new run.
            self.over_at = UNKNOWN
            self.state = STARTED
        if may_become(self.state, state, self.timestamp, at):
            self.state, self.timestamp = state, at
            self.over_at = at if state in OVER else UNKNOWN
