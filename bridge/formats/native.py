"""The record of `schemas/record.json`: flat, stable types, what the event says and what the state knows beside it."""

from collections.abc import Callable, Mapping, Sequence
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

Names = tuple[str, ...]


class Plan:
    """What to do with the events of one type, as long as their fields have the same names in the same order."""

    __slots__ = ("absent", "enriched", "extra", "head", "known", "names", "nulls")

    def __init__(self, names: Names, head: str, documented: frozenset[str], nullable: bool) -> None:
        self.names = names
        self.head = head
        """JSON of what stands between event_id and event_time."""
        self.extra = tuple(name for name in names if name not in documented)
        self.nulls = nullable
        # The last answer to "what did the state add?", and the question: which names it knew, which were null.
        self.known: Names = ()
        self.absent: list[str] = []
        self.enriched: Names = ()


class Native:
    """
    Writes native records of one chain.

    What depends only on the names of an event's fields is kept per type, for the last such names: the events of a type
    have the same ones nearly always. So an event costs one merge of two dicts in C, and orjson.

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
        fields, known = event.fields, context.known
        names = tuple(fields)
        plan = self._plans.get(event.type)
        if plan is None or plan.names != names:
            plan = self._plan(event.type, names)
        record: dict[str, Any] = {**known, **fields}
        absent: list[str] = []
        if plan.extra:
            absent += take_back(record, known, plan.extra)
            record["extra"] = {name: fields[name] for name in plan.extra}
        if plan.nulls and None in fields.values():
            nulls = [name for name, value in fields.items() if value is None and name not in plan.extra]
            absent += take_back(record, known, nulls)
        del record["type"]  # it stands in the head
        if context.state is not None:
            record["state"] = context.state
            if not context.complete:
                record["state_complete"] = False
            known_names = tuple(known)
            if plan.known != known_names or plan.absent != absent:
                plan.known, plan.absent = known_names, absent
                plan.enriched = tuple(name for name in known if name not in fields or name in absent)
            if plan.enriched:
                record["enriched"] = plan.enriched
        if event.type == "task-revoked":
            whole_signum(record)
        received_at = event.delivery.received_at
        if received_at is not None and fields["timestamp"] - received_at > SKEW_SHOWN_SECONDS:
            show_skew(record, fields["timestamp"] - received_at)
        head = f'{{"event_id":"{event_id}"{plan.head}"{event_time}","observed_time":"{observed_time}",{self._cluster},'
        return head.encode() + orjson.dumps(record)[1:]

    def _plan(self, event_type: str, names: Names) -> Plan:
        if len(self._plans) >= TYPES_KEPT:
            self._plans.clear()
        head = f',"type":{orjson.dumps(event_type).decode()},"event_time":'
        plan = Plan(names, head, self._documented(event_type), self._nullable(event_type))
        self._plans[event_type] = plan
        return plan


def take_back(record: Fields, known: Mapping[str, Any], names: Sequence[str]) -> Sequence[str]:
    """Take fields of the event out of the record; where the state knows one of that name, it stands there instead."""
    for name in names:
        if name in known:
            record[name] = known[name]
        else:
            del record[name]
    return names


def show_skew(record: Fields, ahead_seconds: float) -> None:
    """Say by how much the sender's clock is ahead, to the microsecond."""
    seconds = round(ahead_seconds, 6)
    if seconds > SKEW_SHOWN_SECONDS:
        record["skew_seconds"] = seconds


def whole_signum(record: Fields) -> None:
    """Celery 4.4 sends the signal as text ("15"): the record holds an integer, what names none goes to `extra`."""
    signum = record.get("signum")
    if not isinstance(signum, str):
        return
    if signum in Signals.__members__:
        record["signum"] = Signals[signum].value
    elif signum.isdecimal() and len(signum) <= len("255") and 1 <= int(signum) <= MAX_SIGNUM:
        record["signum"] = int(signum)
    else:
        del record["signum"]
        record["extra"] = {**record.get("extra", {}), "signum": signum}
