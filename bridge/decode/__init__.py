"""The first stage: the events that one broker message holds, and why what is left is none."""

from typing import Any

import orjson

from bridge.decode.body import MAX_BODY_BYTES, PLAIN, utf8
from bridge.decode.text import marks, may_hold_big_integer, nesting, openers, repaired
from bridge.model import Delivery, Event, Failure, Fields

__all__ = ["MAX_BODY_BYTES", "MAX_CONTAINERS", "MAX_DEPTH", "MAX_EVENTS", "MAX_KEYS", "decode"]

MAX_DEPTH = 64
"""Levels of objects and lists in one event, which is itself the first. Celery's own events have 2."""

MAX_KEYS = 10_000
"""Names in one event, those of nested objects included. Celery's own events have 19 at most."""

MAX_EVENTS = 10_000
"""Places in one list. Celery sends 24 (`buffer_limit`); 8 MiB of `0,` would be four million failures."""

MAX_CONTAINERS = 100_000
"""Objects and lists in one body. 8 MiB of `[],` would be 220 MiB of lists."""

_PARSER_DEPTH = 1000  # orjson gives up at 1024 levels
_KEYS_POSSIBLE = MAX_KEYS * len(b'"":0,')  # a shorter body cannot hold too many


def decode(delivery: Delivery) -> tuple[list[Event], list[Failure]]:
    """
    The events of one delivery in their order, and what is no event.

    A JSON object is one event (index None), a list is 0..n of them (indexes from 0; workers batch their task events),
    `[]` gives `([], [])`. A body that cannot be read as a whole gives `([], [Failure])` with index None; a bad place in
    a list fails alone. The body itself is never changed, and no text of a failure holds a value of it.

    Accepted are JSON in UTF-8, US-ASCII, Latin-1, UTF-16, UTF-32 and kombu's compressions, within MAX_BODY_BYTES,
    MAX_DEPTH, MAX_KEYS, MAX_EVENTS and MAX_CONTAINERS. What Python's `json.dumps` writes and JSON forbids is repaired:
    see `bridge.decode.text.repaired`. Of a name that occurs twice the last counts.

    Reasons: `content-type`, `too-large`, `decode` (not JSON), `shape` (not an object, or `type` missing or no string).
    Raises nothing. Pure; for any thread. Cost: about 1.4 us per event of 400 bytes, 0.8 of it orjson.
    """
    text = delivery.body
    if (
        len(text) > MAX_BODY_BYTES
        or (delivery.content_type, delivery.content_encoding) not in PLAIN
        or "compression" in delivery.headers
    ):
        read = utf8(delivery)
        if isinstance(read, Failure):
            return [], [read]
        text = read
    marked = marks(text)
    opened = openers(marked)
    if opened > _PARSER_DEPTH and (refusal := _too_nested(text)):
        return [], [refusal]
    try:
        if may_hold_big_integer(text, marked):
            value = orjson.loads(repaired(text) or text)
        else:
            value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        value = _second_reading(text, error)
        if value.__class__ is Failure:
            return [], [value]
    if value.__class__ is list:
        return _events(value, delivery, suspicious=opened > MAX_DEPTH + len(value) or len(text) > _KEYS_POSSIBLE)
    failure = _failure(value, None, suspicious=opened > MAX_DEPTH or len(text) > _KEYS_POSSIBLE)
    if failure is not None:
        return [], [failure]
    return [Event(value["type"], value, delivery, None)], []


def _events(values: list[Any], delivery: Delivery, *, suspicious: bool) -> tuple[list[Event], list[Failure]]:
    """The places of a list, each an event or a failure."""
    if len(values) > MAX_EVENTS:
        return [], [Failure("too-large", f"the list has {len(values)} places, {MAX_EVENTS} are accepted")]
    events: list[Event] = []
    failures: list[Failure] = []
    for index, value in enumerate(values):
        failure = _failure(value, index, suspicious=suspicious)
        if failure is None:
            events.append(Event(value["type"], value, delivery, index))
        else:
            failures.append(failure)
    return events, failures


def _failure(value: Any, index: int | None, *, suspicious: bool) -> Failure | None:
    """Why a parsed value is no event. The limits are counted only where the body is `suspicious`."""
    if value.__class__ is not dict:
        return Failure("shape", "not an object", index)
    kind = value.get("type")
    if suspicious and (excess := _excess(value)):
        return Failure("too-large", excess, index)
    if kind.__class__ is str:
        return None
    if kind is None and "type" not in value:
        return Failure("shape", "type is missing", index)
    return Failure("shape", "type is not a string", index, "/type")


def _second_reading(text: bytes, error: orjson.JSONDecodeError) -> Any:
    """The value of a text that orjson refused, once repaired; else the Failure."""
    mended = repaired(text)
    if mended is not None:
        try:
            return orjson.loads(mended)
        except orjson.JSONDecodeError:
            pass  # the first reading's complaint is about the text as it was sent
    return Failure("decode", f"not JSON: {error.msg} at {error.pos}")


def _too_nested(text: bytes) -> Failure | None:
    """The refusal of a body that the parser could not, or should not, turn into objects."""
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
