"""The record of `schemas/record.json`: flat, stable types, what the event says and what the state knows beside it."""

from collections.abc import Callable, Container
from signal import Signals
from typing import Final

import orjson

from bridge import fast
from bridge.fast import plain
from bridge.formats import Format
from bridge.formats.plan import APART, ENVELOPE, ENVELOPE_ONLY, Addition, Own, Plan, addition
from bridge.model import TOLD, UNSHAPED, Context, Event, Fields, Names
from bridge.names import TIMESTAMP

# Constants: compiled code looks up what a module of others holds for every event anew, at 130 to 270 instructions.
_record: Final = fast.record
_same_names: Final = fast.same_names

_NOTHING: Final = Addition(APART, Context("", {}), (), b"}")
"""What is added to the record of an event of no known task."""

SKEW_SHOWN_SECONDS: Final = 5.0
"""A sender's clock this far ahead of ours is worth a field; less is network and scheduling."""

MAX_SIGNUM: Final = 255
"""What an exit status can carry, and what the schema of task-revoked allows for a number."""

PLANS_KEPT: Final = 1024
"""Remembered: of each type the last one, and others it had. Celery's 14 types have one to four each; custom events come
from users and may have any number."""

NAMES_KEPT: Final = 64
"""An event with more has its plan made anew. Celery's own have 19 at most; 1,024 plans of 10,000 would be a GB."""

ADDITIONS_KEPT: Final = 4096
"""What states add, remembered: about 1 KB each. Celery's types need a few each; custom states come from users."""


class Native:
    """
    Writes native records of one chain.

    What depends only on the type and the names of an event's fields is kept: the events of a type have the same ones
    nearly always. So an event costs one call of `bridge.fast`, which writes all of it, or orjson what it is not at ease
    with.

    Args:
        cluster: label of the chain.
        documented: names that stand on top of the record for a type; all others go into `extra`.
        nullable: which of them may be null (a null is absent in the record).
        replaced: types with a schema of the user's in place of ours, which may allow what no record can hold.
        misfits: names of an event's fields that do so; asked for replaced types only. They go into `extra`.
    """

    def __init__(
        self,
        cluster: str,
        documented: Callable[[str], frozenset[str]],
        nullable: Callable[[str], frozenset[str]],
        replaced: Container[str] = frozenset(),
        misfits: Callable[[Event], frozenset[str]] = lambda _: frozenset(),
    ) -> None:
        self._cluster = f'"cluster":{orjson.dumps(cluster).decode()}'
        self._documented = documented
        self._nullable = nullable
        self._replaced = replaced
        self._misfits = misfits
        self._last: dict[str, Plan] = {}
        self._plans: dict[tuple[str, Names], Plan] = {}
        self._additions: dict[tuple[Plan, Own, Own, str, bool], Addition] = {}
        self._observed_time = self._middle = ""
        """One read's, in JSON."""

    def __call__(self, event: Event, context: Context, event_id: str, event_time: str, observed_time: str) -> bytes:
        """See `bridge.formats.Format`."""
        fields = own = event.fields
        plan = self._last.get(event.type)
        if plan is None or event.names is not plan.names:
            plan = self._plan(event, plan)
        received_at, ahead = event.delivery.received_at, b""
        if received_at is not None:
            at: float = fields[TIMESTAMP]
            if at - received_at > SKEW_SHOWN_SECONDS:
                ahead = skew(at - received_at)
        if observed_time is not self._observed_time:
            self._observed_time = observed_time
            self._middle = f'","observed_time":"{observed_time}",{self._cluster}'
        state, shape = context.state, context.shape
        nulls, names = plan.nulls, None
        if plan.apart:
            own, nulls = taken_apart(fields, plan.extra if plan.fits else self._extra(plan, event)), APART
        elif plan.extra:
            own = with_extra(fields, plan.extra)
        elif plan.tells and shape & TOLD and shape != UNSHAPED and state:
            nulls, names = ENVELOPE_ONLY, ENVELOPE
        adds = plan.addition if state else _NOTHING
        if adds is None or (state and not adds.fits(nulls, shape, state, complete=context.complete)):
            adds = self._addition(plan, nulls, own, context)
        write = _record
        while True:
            value = write(
                event_id, plan.head, event_time, self._middle, own, names, plan.nullable, adds.nulls, ahead,
                context.known, adds.names, adds.tail,
            )  # fmt: skip
            if isinstance(value, bytes):
                return value
            if value is None:
                write = plain.record
            else:
                plan.nulls = value
                adds = self._addition(plan, value, own, context)

    def _extra(self, plan: Plan, event: Event) -> Names:
        """What is in `extra` of an event whose fields may not fit the record."""
        return (*plan.extra, *sorted(self._misfits(event)))

    def _addition(self, plan: Plan, nulls: int, fields: Fields, context: Context) -> Addition:
        """What the state adds to such a record, of these fields of its event: remembered, or found out."""
        own: Own = tuple(fields) if nulls == APART else nulls
        shape = context.shape
        key = (plan, own, tuple(context.known) if shape == UNSHAPED else shape, context.state, context.complete)
        found = self._additions.get(key)
        if found is None:
            found = addition(plan, own, context)
            if len(self._additions) >= ADDITIONS_KEPT:
                self._additions.clear()
            if len(plan.names) <= NAMES_KEPT:
                self._additions[key] = found
        if nulls != APART and shape != UNSHAPED:
            plan.addition = found
        return found

    def _plan(self, event: Event, last: Plan | None) -> Plan:
        """The plan of such events; `last`: that of the one before of its type."""
        event_type, names = event.type, event.names
        if names is None:
            if last is not None and _same_names(event.fields, last.names):
                return last
            names = tuple(event.fields)
        plan = self._plans.get((event_type, names))
        if plan is None:
            fits = event_type not in self._replaced
            plan = Plan(names, event_type, self._documented(event_type), self._nullable(event_type), fits=fits)
            if len(names) > NAMES_KEPT:
                return plan
            if len(self._plans) >= PLANS_KEPT:
                self._plans.clear()
                self._last.clear()
            self._plans[event_type, names] = plan
        plan.names = names  # the very object that the next event of the type has
        self._last[event_type] = plan
        return plan


def bound(format_: Format) -> Format:
    """Of others than ours the method: calling the object itself looks it up each time."""
    return format_ if isinstance(format_, Native) else format_.__call__


def written(write: Format, event: Event, context: Context, event_id: str, event_time: str, observed_time: str) -> bytes:
    """What such a one writes. A call of a compiled method that is known as one takes 500 instructions less."""
    if isinstance(write, Native):
        return write.__call__(event, context, event_id, event_time, observed_time)
    return write(event, context, event_id, event_time, observed_time)


def with_extra(fields: Fields, extra: Names) -> Fields:
    """The event's own fields, with what nobody documented in `extra`."""
    own = fields.copy()
    own["extra"] = {name: own.pop(name) for name in extra}
    return own


def taken_apart(fields: Fields, extra: Names) -> Fields:
    """The event's own fields as they stand in the record: no nulls, what nobody documented in `extra`, no type."""
    own = {name: value for name, value in fields.items() if value is not None and name not in extra}
    del own["type"]
    if extra:
        own["extra"] = {name: fields[name] for name in extra}
    if isinstance(own.get("signum"), str):
        whole_signum(own)
    return own


def skew(ahead_seconds: float) -> bytes:
    """By how much the sender's clock is ahead, to the microsecond, as JSON behind other fields."""
    seconds = round(float(ahead_seconds), 6)  # 6 is 6.0, also where nothing was compiled
    return b',"skew_seconds":%b' % orjson.dumps(seconds) if seconds > SKEW_SHOWN_SECONDS else b""


def whole_signum(own: Fields) -> None:
    """Celery 4.4 sends the signal as text ("15"): the record holds an integer, what names none goes to `extra`."""
    signum = own.pop("signum")
    if signum in Signals.__members__:
        own["signum"] = Signals[signum].value
    elif signum.isdecimal() and len(signum) <= len("255") and 1 <= int(signum) <= MAX_SIGNUM:
        own["signum"] = int(signum)
    else:
        own["extra"] = {**own.get("extra", {}), "signum": signum}
