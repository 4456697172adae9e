"""The record of `schemas/record.json`: flat, stable types, what the event says and what the state knows beside it."""

from collections.abc import Callable
from signal import Signals

import orjson

from bridge.model import Context, Event, Fields

SKEW_SHOWN_SECONDS = 5.0
"""A sender's clock this far ahead of ours is worth a field; less is network and scheduling."""

MAX_SIGNUM = 255
"""What an exit status can carry, and what the schema of task-revoked allows for a number."""

TYPES_KEPT = 1024
"""Types whose plan is remembered. Celery has 14; custom events come from users and may have any number."""

STATES_KEPT = 64
"""States whose end of a record is remembered per plan. Celery has 9; custom ones come from users."""

Names = tuple[str, ...]


class Plan:
    """What to do with the events of one type, as long as their fields have the same names in the same order."""

    __slots__ = ("enriched", "extra", "head", "known", "names", "own", "plain", "tails", "type_length")

    def __init__(self, names: Names, type_json: str, documented: frozenset[str], nullable: bool) -> None:
        self.names = names
        self.head = f',"type":{type_json},"event_time":'
        """JSON of what stands between event_id and event_time."""
        self.extra = tuple(name for name in names if name not in documented)
        self.plain = not (self.extra or nullable) and names[-1] == "type"
        """Whether the event's own JSON can be used as it is, but for the type, which stands in the head."""
        self.type_length = len(f',"type":{type_json}}}'.encode())
        # The last answer to "what does the state add?", and the question: the event's own names, those the state knew.
        self.own: Names = ()
        self.known: Names = ()
        self.enriched: Names = ()
        self.tails: dict[str, bytes] = {}
        """Task state -> the end of a record that says it and `enriched`."""


class Native:
    """
    Writes native records of one chain.

    What depends only on the names of an event's fields is kept per type, for the last such names: the events of a type
    have the same ones nearly always. So an event costs orjson, once for what it says and once for what the state adds.

    Args:
        cluster: label of the chain.
        documented: names that stand on top of the record for a type; all others go into `extra`.
        nullable: whether any of them may be null (a null is absent in the record).
    """

    def __init__(
        self, cluster: str, documented: Callable[[str], frozenset[str]], nullable: Callable[[str], bool]
    ) -> None:
        self._cluster = f'"cluster":{orjson.dumps(cluster).decode()}'
        self._documented = documented
        self._nullable = nullable
        self._plans: dict[str, Plan] = {}

    def __call__(self, event: Event, context: Context, event_id: str, event_time: str, observed_time: str) -> bytes:
        """See `bridge.formats.Format`."""
        fields = event.fields
        names = tuple(fields)
        plan = self._plans.get(event.type)
        if plan is None or plan.names != names:
            plan = self._plan(event.type, names)
        head = f'{{"event_id":"{event_id}"{plan.head}"{event_time}","observed_time":"{observed_time}",{self._cluster},'
        if plan.plain:
            own = orjson.dumps(fields)[1 : -plan.type_length]
        else:
            own_fields = taken_apart(fields, plan.extra)
            names = tuple(own_fields)
            own = orjson.dumps(own_fields)[1:-1]
        received_at = event.delivery.received_at
        if received_at is not None and fields["timestamp"] - received_at > SKEW_SHOWN_SECONDS:
            own += skew(fields["timestamp"] - received_at)
        if context.state is None:
            return b"%b%b}" % (head.encode(), own)
        return b"%b%b%b" % (head.encode(), own, self._added(plan, names, context))

    def _added(self, plan: Plan, names: Names, context: Context) -> bytes:
        """What the state adds to a record whose own fields are `names`, from the comma to the closing brace."""
        known = context.known
        known_names = tuple(known)
        if plan.known != known_names or plan.own != names:
            plan.known, plan.own, plan.tails = known_names, names, {}
            plan.enriched = tuple(name for name in known if name not in names)
        tail = plan.tails.get(context.state or "") if context.complete else None
        if tail is None:
            end: Fields = {"state": context.state}
            if not context.complete:
                end["state_complete"] = False
            if plan.enriched:
                end["enriched"] = plan.enriched
            tail = orjson.dumps(end)[1:]
            if context.complete and len(plan.tails) < STATES_KEPT:
                plan.tails[context.state or ""] = tail
        if not plan.enriched:
            return b",%b" % tail
        if len(plan.enriched) == len(known_names):
            return b",%b,%b" % (orjson.dumps(known)[1:-1], tail)
        return b",%b,%b" % (orjson.dumps({name: known[name] for name in plan.enriched})[1:-1], tail)

    def _plan(self, event_type: str, names: Names) -> Plan:
        if len(self._plans) >= TYPES_KEPT:
            self._plans.clear()
        type_json = orjson.dumps(event_type).decode()
        plan = Plan(names, type_json, self._documented(event_type), self._nullable(event_type))
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
