"""One task as its events tell it: which state it is in, and what the next event of it will lack.

The rules are those of `celery.events.state.Task.event` and of `celery.states.precedence` (Celery 5.7); where they are
plainly wrong we differ, each place names its case in docs/explanation/state.md.
"""

from sys import intern
from typing import Any

from bridge.model import Fields

PENDING = "PENDING"
RECEIVED = "RECEIVED"
STARTED = "STARTED"
RETRY = "RETRY"
REJECTED = "REJECTED"
REVOKED = "REVOKED"
FAILURE = "FAILURE"
SUCCESS = "SUCCESS"
CANCELLED = "CANCELLED"

RANK = {SUCCESS: 0, FAILURE: 1, REVOKED: 3, STARTED: 4, RECEIVED: 5, REJECTED: 6, RETRY: 7, PENDING: 8}
CUSTOM_RANK = 2
"""Celery ranks every state that it does not know below FAILURE and above REVOKED (celery.states.precedence)."""

END_STATES = frozenset({SUCCESS, FAILURE, REVOKED, REJECTED})
OVER = END_STATES | {CANCELLED}
"""A task in one of these runs no more, unless it is received and started again."""

END_SUBJECTS = frozenset({"succeeded", "failed", "revoked", "rejected", "cancelled"})

STATE_OF = {
    "sent": PENDING,
    "received": RECEIVED,
    "started": STARTED,
    "retried": RETRY,
    "rejected": REJECTED,
    "revoked": REVOKED,
    "failed": FAILURE,
    "succeeded": SUCCESS,
}
"""celery.events.state.TASK_EVENT_TO_STATE; every other subject is a custom state, its name in capitals."""

RECEIVED_FIELDS = ("name", "args", "kwargs", "root_id", "parent_id", "retries", "eta", "expires")
SENT_FIELDS = (*RECEIVED_FIELDS, "queue", "exchange", "routing_key")
SHARED_FIELDS = frozenset({"name", "queue", "exchange", "routing_key"})
"""Few values stand in many tasks: interned, 100,000 tasks hold one string."""

DURATIONS = ("queue_seconds", "prefetch_seconds", "runtime", "total_seconds")

SIGNATURE_LENGTH = 13
"""The last group of an event id with its dash: 48 random bits, two events share them with a chance of 3.6e-15."""

SIGNATURES_KEPT = 64
"""A run has 4 to 8 events; only tasks that report progress have more, and of those the newest are redelivered."""


def rank(state: str) -> int:
    """Celery's precedence: the lower, the further a task has come."""
    return RANK.get(state, CUSTOM_RANK)


def seconds_between(start: float | None, end: float | None) -> float | None:
    """`end - start` to the microsecond, the senders' own resolution; None when unknown or negative (two clocks)."""
    if start is None or end is None or end < start:
        return None
    return round(end - start, 6)


class Task:
    """
    What is known of one task uuid. Changed only by `fold`; 0..n folds, in the order of arrival.

    `known` maps a record's field to its value as the record shows it and is merged into every record of the task, so
    it is kept up to date here, once per event, and never built per record.
    """

    __slots__ = (
        "_closing",
        "_first_sent",
        "_received",
        "_seen",
        "_sent",
        "_started",
        "complete",
        "known",
        "over_at",
        "state",
        "timestamp",
        "uuid",
    )

    def __init__(self, uuid: str) -> None:
        self.uuid = uuid
        self.state = PENDING
        self.timestamp: float = 0.0
        """The sender's time of the event that set the state."""
        self.known: dict[str, Any] = {}
        self.complete = False
        """Whether task-sent or task-received was seen."""
        self.over_at: float | None = None
        """The sender's time of the event that ended the run; None while it runs."""
        self._sent: float | None = None
        self._first_sent: float | None = None
        self._received: float | None = None
        self._started: float | None = None
        self._closing = False
        self._seen = ""

    def fold(self, subject: str, fields: Fields, event_id: str, event_time: str) -> bool:
        """
        Take one `task-<subject>` event into account. An event that was folded before changes nothing.

        Args:
            subject: what follows `task-`; anything but Celery's own is a custom state.
            fields: the event, valid by its schema; not mutated, values are shared.
            event_id: as `identify` made it.
            event_time: its timestamp as the record shows it.

        Returns:
            False when the event was seen before (a redelivery).
        """
        signature = event_id[-SIGNATURE_LENGTH:]
        if signature in self._seen:
            return False
        self._seen = (self._seen + signature)[-SIGNATURES_KEPT * SIGNATURE_LENGTH :]
        if self._closing and subject not in END_SUBJECTS:
            self._drop_durations()
        at = fields["timestamp"]
        match subject:
            case "started":
                self._fold_started(fields, at, event_time)
            case "received":
                self._fold_received(fields, at, event_time)
            case "sent":
                self._fold_sent(fields, at, event_time)
            case "succeeded" | "failed" | "revoked" | "rejected" | "cancelled":
                self._fold_end(subject, fields, at)
            case "retried":
                self.known["worker"] = intern(fields["hostname"])
                self._advance(RETRY, at)
                self._set_duration("runtime", self._started, at)
                self._closing = True
            case _:
                self._advance(subject.upper(), at)
        return True

    def _fold_sent(self, fields: Fields, at: float, event_time: str) -> None:
        # Case 4: however late it comes, it changes neither time nor worker (nor the state, but after a RETRY).
        known = self.known
        self._merge(fields, SENT_FIELDS)
        known["client"] = intern(fields["hostname"])
        known["sent_time"] = event_time
        self._sent = at
        if self._first_sent is None or at < self._first_sent:
            self._first_sent = at
        self.complete = True
        self._advance(PENDING, at)
        if self.over_at is None:
            self._set_duration("queue_seconds", at, self._received)

    def _fold_received(self, fields: Fields, at: float, event_time: str) -> None:
        known = self.known
        self._merge(fields, RECEIVED_FIELDS)
        known["worker"] = intern(fields["hostname"])
        known["received_time"] = event_time
        self._received = at
        self.complete = True
        self._advance(RECEIVED, at)
        if self.over_at is None:
            self._set_duration("queue_seconds", self._sent, at)

    def _fold_started(self, fields: Fields, at: float, event_time: str) -> None:
        known = self.known
        known["worker"] = intern(fields["hostname"])
        known["started_time"] = event_time
        self._started = at
        self._advance(STARTED, at)
        if self.over_at is None:
            self._set_duration("prefetch_seconds", self._received, at)
            if "queue_seconds" not in known:  # received while the run before it was still over
                self._set_duration("queue_seconds", self._sent, self._received)

    def _fold_end(self, subject: str, fields: Fields, at: float) -> None:
        self.known["worker"] = intern(fields["hostname"])
        self._advance(STATE_OF.get(subject, CANCELLED), at)
        self._set_duration("queue_seconds", self._sent, self._received)
        self._set_duration("prefetch_seconds", self._received, self._started)
        self._set_duration("total_seconds", self._first_sent, at)
        if fields.get("runtime") is None or subject != "succeeded":
            self._set_duration("runtime", self._started, at)
        self._closing = True

    def _merge(self, fields: Fields, names: tuple[str, ...]) -> None:
        """What the event says replaces what was known, a null too (Celery's `Task.__dict__.update`)."""
        known = self.known
        for name in names:
            value = fields.get(name)
            if value is not None:
                if name in SHARED_FIELDS:
                    value = intern(value)
                elif value == self.uuid:  # root_id is the uuid itself for every task that no task sent
                    value = self.uuid
                known[name] = value
            elif name in fields:
                known.pop(name, None)

    def _set_duration(self, name: str, start: float | None, end: float | None) -> None:
        seconds = seconds_between(start, end)
        if seconds is not None:
            self.known[name] = seconds

    def _drop_durations(self) -> None:
        """The durations belong to the events up to the end of the run (or this try): no later one shows them."""
        known = self.known
        for name in DURATIONS if self.over_at is not None else ("runtime",):
            known.pop(name, None)
        self._closing = False

    def _advance(self, state: str, at: float) -> None:
        if self.over_at is not None and self._runs_again(self.over_at):
            self.over_at = None
            self.state = STARTED
        if self._may_become(state, at):
            self.state, self.timestamp = (state, at)
            self.over_at = at if state in OVER else None

    def _runs_again(self, over_at: float) -> bool:
        """Case 3: received and started again, both later than it ended by the events' own time, is a new run."""
        received, started = self._received, self._started
        return received is not None and started is not None and received > over_at and started > over_at

    def _may_become(self, state: str, at: float) -> bool:
        current = self.state
        if RETRY in (state, current):
            return True
        if current in END_STATES and state not in RANK:
            return False  # case 2: a custom state never overrides an end state
        if state == REVOKED and current not in RANK:
            return True  # case 2: nor outlives one
        if state == REJECTED and (current in (STARTED, RECEIVED) or current not in RANK):
            return at >= self.timestamp  # cases 1 and 2, unless it was received again since
        if current == REJECTED and state in (STARTED, RECEIVED):
            return at > self.timestamp  # case 1: what happened before the rejection does not undo it
        return rank(state) <= rank(current)
