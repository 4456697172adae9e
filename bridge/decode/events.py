"""
From a broker message to its events, and why what is left is none.

Accepted are JSON in UTF-8, US-ASCII, Latin-1, UTF-16 and UTF-32, and kombu's compressions, within the limits below.
What Python's `json.dumps` writes and JSON forbids is repaired (`bridge.decode.text.repaired`): NaN, lone surrogates,
integers beyond 64 bit. Of a name that occurs twice in an object the last counts. pickle, yaml and all else that is not
JSON is not looked into.
"""

from typing import Any, Final

import orjson

from bridge.decode.body import utf8
from bridge.decode.text import marks, may_hold_big_integer, nesting, openers, repaired
from bridge.model import Delivery, Event, Failure, Fields, OwnFault, Poison

MAX_DEPTH: Final = 64
"""Levels of objects and lists in one event, which is itself the first. Celery's own events have 2."""

MAX_KEYS: Final = 10_000
"""Names in one event, those of nested objects included. Celery's own events have 19 at most."""

MAX_EVENTS: Final = 10_000
"""Places in one list. Celery sends 24 (`buffer_limit`); 8 MiB of `0,` would be four million failures."""

MAX_CONTAINERS: Final = 100_000
"""Objects and lists in one body. 8 MiB of `[],` would be 220 MiB of lists."""

_PARSER_DEPTH: Final = 1000  # orjson gives up at 1024 levels
KEYS_POSSIBLE: Final = MAX_KEYS * len(b'"":0,')  # a shorter body cannot hold too many


def decode(delivery: Delivery) -> tuple[list[Event], list[Failure]]:
    """
    The events of one delivery in their order, and what is no event.

    A JSON object is one event (index None), a list is 0..n of them (indexes from 0; workers batch their task events),
    `[]` gives `([], [])`. A body that cannot be read as a whole gives `([], [Failure])` with index None; a bad place in
    a list fails alone. The body itself is never changed, and no text of a failure holds a value of it.

    Reasons: `content-type`, `too-large`, `decode` (not JSON), `shape` (not an object, or `type` missing or no string).
    Of Poison nothing is looked at: it is an OwnFault.
    Raises nothing. Pure; for any thread. For the ordinary delivery there is `glance`, at half the cost.
    """
    if isinstance(delivery, Poison):
        return [], [OwnFault("poison", f"it came back {delivery.attempts} times: the bridge died while it held this")]
    text = utf8(delivery)
    if isinstance(text, Failure):
        return [], [text]
    marked = marks(text)
    value = _too_nested(text, marked) or _parsed(text, marked)
    if isinstance(value, Failure):
        return [], [value]
    if not isinstance(value, list):
        failure = _failure(value, None)
        return ([], [failure]) if failure else ([Event(value["type"], value, delivery, None)], [])
    if len(value) > MAX_EVENTS:
        return [], [Failure("too-large", f"the list has {len(value)} places, {MAX_EVENTS} are accepted")]
    events: list[Event] = []
    failures: list[Failure] = []
    for index, fields in enumerate(value):
        if failure := _failure(fields, index):
            failures.append(failure)
        else:
            events.append(Event(fields["type"], fields, delivery, index))
    return events, failures


def _parsed(text: bytes, marked: bytes) -> Any:
    """What the text says, repaired where it must be; else the Failure."""
    doubtful = may_hold_big_integer(text, marked)
    try:
        return orjson.loads(repaired(text) or text if doubtful else text)
    except orjson.JSONDecodeError as error:
        refusal = Failure("decode", f"not JSON: {error.msg} at {error.pos}")
    mended = repaired(text)
    if mended is None:
        return refusal
    try:
        return orjson.loads(mended)
    except orjson.JSONDecodeError:
        return refusal  # which tells of the text as it was sent


def _failure(value: Any, index: int | None) -> Failure | None:
    """Why a parsed value is no event, every limit counted exactly."""
    if value.__class__ is not dict:
        return Failure("shape", "not an object", index)
    if excess := _excess(value):
        return Failure("too-large", excess, index)
    if "type" not in value:
        return Failure("shape", "type is missing", index)
    if value["type"].__class__ is not str:
        return Failure("shape", "type is not a string", index, "/type")
    return None


def _too_nested(text: bytes, marked: bytes) -> Failure | None:
    """The refusal of a body that the parser could not, or should not, turn into objects."""
    if openers(marked) <= _PARSER_DEPTH:
        return None
    containers, depth = nesting(text, MAX_CONTAINERS)
    if depth > _PARSER_DEPTH:
        return Failure("too-large", f"nested deeper than {_PARSER_DEPTH} levels, {MAX_DEPTH} are accepted")
    if containers > MAX_CONTAINERS:
        return Failure("too-large", f"more than {MAX_CONTAINERS} objects and lists")
    return None


def _excess(fields: Fields) -> str | None:
    """Which limit of one event is passed, counted exactly, level by level."""
    keys = 0
    level: list[Any] = [fields]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for container in level:
            if container.__class__ is dict:
                keys += len(container)
                container = container.values()
            below += [value for value in container if value.__class__ is dict or value.__class__ is list]
        if keys > MAX_KEYS:
            return f"more than {MAX_KEYS} names"
        if not below:
            return None
        level = below
    return f"nested deeper than {MAX_DEPTH} levels"
