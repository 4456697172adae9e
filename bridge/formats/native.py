"""The record of `schemas/record.json`: flat, stable types, what the event says and what the state knows beside it."""

from collections.abc import Callable
from signal import Signals
from typing import Any

import orjson

from bridge.model import Context, Event, Fields

SKEW_SHOWN_SECONDS = 5.0
"""A sender's clock this far ahead of ours is worth a field; less is network and scheduling."""

MAX_SIGNUM = 255
"""What an exit status can carry, and what the schema of task-revoked allows for a number."""

SHAPES_KEPT = 1024
"""Distinct lists of field names remembered. Celery has about 40; custom events come from users and may have any."""


class Native:
    """
    Writes native records of one chain.

    What depends only on the names of an event's fields is worked out once per distinct list of names, so that an event
    costs a few merges of dicts in C: measured 1.4 us beside orjson's own 1.3.

    Args:
        cluster: label of the chain.
        documented: names that stand on top of the record for a type; all others go into `extra`.
        nullable: whether any of them may be null (a null is absent in the record).
    """

    def __init__(
        self, cluster: str, documented: Callable[[str], frozenset[str]], nullable: Callable[[str], bool]
    ) -> None:
        self._cluster = cluster
        self._documented = documented
        self._nullable = nullable
        self._extras: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {}
        self._lacking: dict[tuple[tuple[str, ...], tuple[str, ...]], tuple[str, ...]] = {}
        self._nulls: dict[str, bool] = {}
        """Event type -> whether its nulls are to be looked for."""

    def __call__(self, event: Event, context: Context, event_id: str, event_time: str, observed_time: str) -> bytes:
        """See `bridge.formats.Format`."""
        fields, event_type = event.fields, event.type
        timestamp, received_at = fields["timestamp"], event.delivery.received_at
        head = {
            "event_id": event_id,
            "type": event_type,
            "event_time": event_time,
            "timestamp": timestamp,
            "observed_time": observed_time,
            "cluster": self._cluster,
        }
        names = tuple(fields)
        extra = self._extras.get((event_type, names))
        if extra is None:
            extra = self._extra(event_type, names)
        top = {name: fields[name] for name in names if name not in extra} if extra else fields
        nulls = self._nulls.get(event_type)
        if nulls is None:
            nulls = self._may_be_null(event_type)
        if nulls and None in top.values():
            top = {name: value for name, value in top.items() if value is not None}
        known = context.known
        # The first `top` gives the order, the second the last word.
        record: dict[str, Any] = {**head, **top, **known, **top} if known else {**head, **top}
        if context.state is not None:
            record["state"] = context.state
            if not context.complete:
                record["state_complete"] = False
        if known:
            shape = (tuple(top), tuple(known))
            lacking = self._lacking.get(shape)
            if lacking is None:
                lacking = self._lack(shape)
            if lacking:
                record["enriched"] = lacking
        if extra:
            record["extra"] = {name: fields[name] for name in extra}
        if event_type == "task-revoked":
            whole_signum(record)
        if received_at is not None and (skew := round(timestamp - received_at, 6)) > SKEW_SHOWN_SECONDS:
            record["skew_seconds"] = skew
        return orjson.dumps(record)

    def _extra(self, event_type: str, names: tuple[str, ...]) -> tuple[str, ...]:
        documented = self._documented(event_type)
        extra = tuple(name for name in names if name not in documented)
        if len(self._extras) >= SHAPES_KEPT:
            self._extras.clear()
        self._extras[event_type, names] = extra
        return extra

    def _lack(self, shape: tuple[tuple[str, ...], tuple[str, ...]]) -> tuple[str, ...]:
        top, known = shape
        lacking = tuple(name for name in known if name not in top)
        if len(self._lacking) >= SHAPES_KEPT:
            self._lacking.clear()
        self._lacking[shape] = lacking
        return lacking

    def _may_be_null(self, event_type: str) -> bool:
        if len(self._nulls) >= SHAPES_KEPT:
            self._nulls.clear()
        self._nulls[event_type] = nulls = self._nullable(event_type)
        return nulls


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
