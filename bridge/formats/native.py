"""The record of `schemas/record.json`: flat, stable types, what the event says and what the state knows beside it."""

from collections.abc import Callable, Container, Mapping
from signal import Signals
from typing import Any, Final

import orjson

from bridge.fast import joined, same_names, spliced
from bridge.model import TOLD, UNSHAPED, Context, Event, Fields
from bridge.names import CLOCK, HOSTNAME, PID, TIMESTAMP, TYPE, UTCOFFSET, UUID

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

Names = tuple[str, ...]

Own = int | Names
"""Which of a plan's names a record has from its event: a bit for each null left out, the names, or ENVELOPE_ONLY."""

ENVELOPE_ONLY: Final = -1
"""All others are in `known`."""

Addition = tuple[Names | None, bytes]
"""Names that the state adds to the JSON (None: all of `known`), and the end of the record."""

ENVELOPE: Final = frozenset({"hostname", "utcoffset", "pid", "clock", "uuid", "timestamp", "type"})
TELLING: Final = frozenset({"task-sent", "task-received"})
"""Types that tell of a task what later events lack; all of it is in `known` when the event was folded."""


class Plan:
    """What to do with the events of one type, as long as their fields have the same names in the same order."""

    __slots__ = ("apart", "cut", "extra", "fits", "head", "names", "nullable", "tells", "type_last")

    def __init__(
        self, names: Names, event_type: str, documented: frozenset[str], nullable: frozenset[str], *, fits: bool
    ) -> None:
        type_json = orjson.dumps(event_type).decode()
        self.names = names
        self.head = f'","type":{type_json},"event_time":"'
        """JSON of what stands between event_id and event_time."""
        self.extra = tuple(name for name in names if name not in documented)
        self.fits = fits
        """Whether documented fields always have the types that the record gives them."""
        self.apart = "signum" in names or not fits
        """Whether each event's values say what must be done to its own fields, beside leaving out nulls."""
        self.tells = event_type in TELLING and not self.apart and not self.extra and ENVELOPE.issubset(names)
        """Whether `known` may stand for the event's own fields but the envelope."""
        self.nullable = tuple((name, 1 << place) for place, name in enumerate(names) if name in nullable)
        self.type_last = names[-1] == "type" and not self.extra and not self.apart
        """As Celery sends it: cut off the JSON text, which saves a copy of the dict."""
        self.cut = len(f',"type":{type_json}}}'.encode()) if self.type_last else 1
        """Bytes at the end of the event's JSON that are not for the record."""


class Native:
    """
    Writes native records of one chain.

    What depends only on the type and the names of an event's fields is kept: the events of a type have the same ones
    nearly always. So an event costs orjson, once for what it says and once for what the state adds.

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
        fields = event.fields
        plan = self._last.get(event.type)
        if plan is None or not same_names(fields, plan.names):
            plan = self._plan(event.type, tuple(fields))
        state, shape = context.state, context.shape
        cut = 1
        if state and plan.tells and shape != UNSHAPED and shape & TOLD:
            own: Own = ENVELOPE_ONLY
            own_json = orjson.dumps(envelope(fields))
        else:
            own_json, own = self._own(plan, event)
            cut = plan.cut
        received_at = event.delivery.received_at
        if received_at is not None and fields[TIMESTAMP] - received_at > SKEW_SHOWN_SECONDS:
            own_json = joined(own_json[:-cut], skew(fields[TIMESTAMP] - received_at), b"}")
            cut = 1
        if observed_time is not self._observed_time:
            self._observed_time = observed_time
            self._middle = f'","observed_time":"{observed_time}",{self._cluster},'
        if not state:
            return spliced(event_id, plan.head, event_time, self._middle, own_json, cut, None, b"}")
        known = context.known
        key = (plan, own, tuple(known) if shape == UNSHAPED else shape, state, context.complete)
        names_added, tail = self._additions.get(key) or self._addition(key, known)
        added: bytes | None = None
        if names_added is None:
            added = orjson.dumps(known)
        elif names_added:
            added = orjson.dumps({name: known[name] for name in names_added})
        return spliced(event_id, plan.head, event_time, self._middle, own_json, cut, added, tail)

    def _own(self, plan: Plan, event: Event) -> tuple[bytes, Own]:
        """JSON of what the event itself says, and what tells which names that has."""
        fields = own = event.fields
        if plan.apart:
            own = taken_apart(fields, plan.extra if plan.fits else (*plan.extra, *sorted(self._misfits(event))))
            return orjson.dumps(own), tuple(own)
        nulls = 0
        if plan.nullable or not plan.type_last:
            own = fields.copy()  # and deletions: a third of what building it name by name costs
            for name, bit in plan.nullable:
                if own[name] is None:
                    del own[name]
                    nulls |= bit
            if not plan.type_last:
                del own[TYPE]
            if plan.extra:
                own["extra"] = {name: own.pop(name) for name in plan.extra}
        return orjson.dumps(own), nulls

    def _addition(self, key: tuple[Plan, Own, Own, str, bool], known: Mapping[str, Any]) -> Addition:
        """What the state adds to such a record, and how it ends, from the comma to the closing brace."""
        plan, own, _, state, complete = key
        if len(self._additions) >= ADDITIONS_KEPT:
            self._additions.clear()
        own_names = own if isinstance(own, tuple) else plan.names
        if not isinstance(own, tuple) and own != ENVELOPE_ONLY:
            kept = [name for place, name in enumerate(plan.names) if not own & 1 << place]
            own_names = tuple(name for name in kept if name not in plan.extra)
        names = tuple(name for name in known if name not in own_names)
        end: Fields = {"state": state}
        if not complete:
            end["state_complete"] = False
        if names:
            end["enriched"] = names
        every = own == ENVELOPE_ONLY or len(names) == len(known) > 0
        addition = (None if every else names, b",%b" % orjson.dumps(end)[1:])
        if len(plan.names) <= NAMES_KEPT:
            self._additions[key] = addition
        return addition

    def _plan(self, event_type: str, names: Names) -> Plan:
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
        self._last[event_type] = plan
        return plan


def envelope(fields: Fields) -> Fields:
    """What every event of a task says, but its type."""
    return {
        HOSTNAME: fields[HOSTNAME],
        UTCOFFSET: fields[UTCOFFSET],
        PID: fields[PID],
        CLOCK: fields[CLOCK],
        UUID: fields[UUID],
        TIMESTAMP: fields[TIMESTAMP],
    }


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
