"""The record of `schemas/record.json`: flat, stable types, what the event says and what the state knows beside it."""

from collections.abc import Callable
from operator import itemgetter
from signal import Signals
from typing import Any

import orjson

from bridge.model import Context, Event, Fields

SKEW_SHOWN_SECONDS = 5.0
"""A sender's clock this far ahead of ours is worth a field; less is network and scheduling."""

MAX_SIGNUM = 255
"""What an exit status can carry, and what the schema of task-revoked allows for a number."""

TYPES_KEPT = 1024
"""Types whose plan is remembered. Celery has 14; custom events come from users and may have any number."""

ADDITIONS_KEPT = 4096
"""What states add, remembered: about 1 KB each. Celery's types need a few each; custom states come from users."""

Names = tuple[str, ...]

Shape = int | Names
"""Which of a plan's names an event's record has: a bit for each null left out, or the names themselves."""

Addition = tuple[Names, Callable[[Any], tuple[Any, ...]] | None, bytes]
"""Names that the state adds, what picks them out of `known` (None: they are all of it), and the end of the record."""


class Plan:
    """What to do with the events of one type, as long as their fields have the same names in the same order."""

    __slots__ = ("apart", "end", "extra", "fits", "head", "names", "nullable", "type_last")

    def __init__(
        self, names: Names, type_json: str, documented: frozenset[str], nullable: frozenset[str], *, fits: bool
    ) -> None:
        self.names = names
        self.head = f',"type":{type_json},"event_time":'
        """JSON of what stands between event_id and event_time."""
        self.extra = tuple(name for name in names if name not in documented)
        self.fits = fits
        """Whether documented fields always have the types that the record gives them."""
        self.apart = bool(self.extra) or "signum" in names or not fits
        """Whether more must be done to an event's own fields than to leave out nulls."""
        self.nullable = tuple((name, 1 << place) for place, name in enumerate(names) if name in nullable)
        self.type_last = (
            names[-1] == "type"
        )  # as Celery sends it: cut off the JSON text, which saves a copy of the dict
        self.end = -len(f',"type":{type_json}}}'.encode()) if self.type_last else -1


class Native:
    """
    Writes native records of one chain.

    What depends only on the names of an event's fields is kept per type, for the last such names: the events of a type
    have the same ones nearly always. So an event costs orjson, once for what it says and once for what the state adds.

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
        replaced: frozenset[str] = frozenset(),
        misfits: Callable[[Event], frozenset[str]] = lambda _: frozenset(),
    ) -> None:
        self._cluster = f'"cluster":{orjson.dumps(cluster).decode()}'
        self._documented = documented
        self._nullable = nullable
        self._replaced = replaced
        self._misfits = misfits
        self._plans: dict[str, Plan] = {}
        self._additions: dict[tuple[Plan, Shape, str, bool, Names], Addition] = {}

    def __call__(self, event: Event, context: Context, event_id: str, event_time: str, observed_time: str) -> bytes:
        """See `bridge.formats.Format`."""
        fields = own = event.fields
        names = tuple(fields)
        plan = self._plans.get(event.type)
        if plan is None or plan.names != names:
            plan = self._plan(event.type, names)
        nulls, own_names = 0, None
        if plan.apart:
            own = taken_apart(fields, plan.extra if plan.fits else (*plan.extra, *sorted(self._misfits(event))))
            own_names, own_json = tuple(own), orjson.dumps(own)[1:-1]
        else:
            if plan.nullable or not plan.type_last:
                own = fields.copy()  # and deletions: a third of what building it name by name costs
                for name, bit in plan.nullable:
                    if own[name] is None:
                        del own[name]
                        nulls |= bit
                if not plan.type_last:
                    del own["type"]
            own_json = orjson.dumps(own)[1 : plan.end]
        received_at = event.delivery.received_at
        if received_at is not None and fields["timestamp"] - received_at > SKEW_SHOWN_SECONDS:
            own_json += skew(fields["timestamp"] - received_at)
        head = f'{{"event_id":"{event_id}"{plan.head}"{event_time}","observed_time":"{observed_time}",{self._cluster},'
        state, known = context.state, context.known
        if state is None:
            return b"".join((head.encode(), own_json, b"}"))
        key = (plan, own_names or nulls, state, context.complete, tuple(known))
        names, pick, tail = self._additions.get(key) or self._addition(key, own)
        if not names:
            return b"".join((head.encode(), own_json, tail))
        added = orjson.dumps(known if pick is None else dict(zip(names, pick(known), strict=False)))
        return b"".join((head.encode(), own_json, b",", added[1:-1], tail))

    def _addition(self, key: tuple[Plan, Shape, str, bool, Names], own: Fields) -> Addition:
        """What the state adds to a record that has `own` already, from the comma to the closing brace."""
        _, _, state, complete, known = key
        if len(self._additions) >= ADDITIONS_KEPT:
            self._additions.clear()
        names = tuple(name for name in known if name not in own)
        end: Fields = {"state": state}
        if not complete:
            end["state_complete"] = False
        if names:
            end["enriched"] = names
        # The last name twice: of a single one itemgetter would not make a tuple.
        pick = itemgetter(*names, names[-1]) if 0 < len(names) < len(known) else None
        addition = self._additions[key] = (names, pick, b",%b" % orjson.dumps(end)[1:])
        return addition

    def _plan(self, event_type: str, names: Names) -> Plan:
        if len(self._plans) >= TYPES_KEPT:
            self._plans.clear()
        type_json = orjson.dumps(event_type).decode()
        fits = event_type not in self._replaced
        plan = Plan(names, type_json, self._documented(event_type), self._nullable(event_type), fits=fits)
        self._plans[event_type] = plan
        return plan


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
    seconds = round(ahead_seconds, 6)
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
