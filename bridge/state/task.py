"""One task as its events tell it: which state it is in, and what the next event of it will lack.

The rules are those of `celery.events.state.Task.event` and of `celery.states.precedence` (Celery 5.7); where they are
plainly wrong we differ, each place names its case in docs/explanation/state.md.
"""

from sys import intern
from typing import Any

from bridge.model import Fields
from bridge.state.precedence import OVER, PENDING, RECEIVED, RETRY, STARTED, STATE_OF, may_become

END_SUBJECTS = frozenset({"succeeded", "failed", "revoked", "rejected", "cancelled"})

RECEIVED_FIELDS = ("name", "args", "kwargs", "root_id", "parent_id", "retries", "eta", "expires")
SENT_FIELDS = (*RECEIVED_FIELDS, "queue", "exchange", "routing_key")

DURATIONS = ("queue_seconds", "prefetch_seconds", "runtime", "total_seconds")

SHARED_LENGTH = 64
"""Strings as short as names of tasks and queues are likely to be equal; longer arguments are likely not."""

SIGNATURE_LENGTH = 13
"""The last group of an event id with its dash: 48 random bits, two events share them with a chance of 3.6e-15."""

SIGNATURES_KEPT = 64
"""A run has 4 to 8 events; only tasks that report progress have more, and of those the newest are redelivered."""

SIGNATURES_LENGTH = SIGNATURE_LENGTH * SIGNATURES_KEPT


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
        seen = self._seen
        if signature in seen:
            return False
        self._seen = seen + signature if len(seen) < SIGNATURES_LENGTH else seen[SIGNATURE_LENGTH:] + signature
        if self._closing and subject not in END_SUBJECTS:
            self._drop_durations()
        if subject == "started":
            self._fold_started(fields, fields["timestamp"], event_time)
        elif subject == "received":
            self._fold_received(fields, fields["timestamp"], event_time)
        elif subject == "sent":
            self._fold_sent(fields, fields["timestamp"], event_time)
        elif subject in END_SUBJECTS:
            self._fold_end(subject, fields, fields["timestamp"])
        elif subject == "retried":
            self._fold_retried(fields, fields["timestamp"])
        else:
            self._advance(subject.upper(), fields["timestamp"])
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
        if self._received is not None and at <= self._received and self.over_at is None:
            known["queue_seconds"] = round(self._received - at, 6)

    def _fold_received(self, fields: Fields, at: float, event_time: str) -> None:
        known = self.known
        self._merge(fields, RECEIVED_FIELDS)
        known["worker"] = intern(fields["hostname"])
        known["received_time"] = event_time
        self._received = at
        self.complete = True
        self._advance(RECEIVED, at)
        if self._sent is not None and self._sent <= at and self.over_at is None:
            known["queue_seconds"] = round(at - self._sent, 6)

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

    def _fold_retried(self, fields: Fields, at: float) -> None:
        self.known["worker"] = intern(fields["hostname"])
        self._advance(RETRY, at)
        self._set_duration("runtime", self._started, at)
        self._closing = True

    def _fold_end(self, subject: str, fields: Fields, at: float) -> None:
        self.known["worker"] = intern(fields["hostname"])
        self._advance(STATE_OF[subject], at)
        self._set_duration("queue_seconds", self._sent, self._received)
        self._set_duration("prefetch_seconds", self._received, self._started)
        self._set_duration("total_seconds", self._first_sent, at)
        if subject != "succeeded" or fields.get("runtime") is None:
            self._set_duration("runtime", self._started, at)
        self._closing = True

    def _merge(self, fields: Fields, names: tuple[str, ...]) -> None:
        """
        What the event says replaces what was known, a null too (Celery's `Task.__dict__.update`).

        Equal strings are shared: 100,000 tasks have few names and queues, and most are their own root.
        """
        known, uuid = self.known, self.uuid
        for name in names:
            value = fields.get(name)
            if value is None:
                if name in fields:
                    known.pop(name, None)
            elif value == uuid:
                known[name] = uuid
            elif value.__class__ is str and len(value) < SHARED_LENGTH:
                known[name] = intern(value)
            else:
                known[name] = value

    def _set_duration(self, name: str, start: float | None, end: float | None) -> None:
        """To the microsecond, the senders' own resolution; not when unknown or negative (two clocks)."""
        if start is not None and end is not None and start <= end:
            self.known[name] = round(end - start, 6)

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
        if may_become(self.state, state, self.timestamp, at):
            self.state, self.timestamp = state, at
            self.over_at = at if state in OVER else None

    def _runs_again(self, over_at: float) -> bool:
        """Case 3: received and started again, both later than it ended by the events' own time, is a new run."""
        received, started = self._received, self._started
        return received is not None and started is not None and received > over_at and started > over_at
