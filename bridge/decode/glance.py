"""
The quick look at an ordinary broker message: parsed, and nothing else asked.

`decode` counts brackets and digits in a text before it believes a parser: nesting, and integers that orjson turns into
floats. An event whose schema allows neither need not be asked, and nearly all are such.
"""

from typing import Any, Final

import orjson

from bridge import fast
from bridge.decode.body import JSON_TYPES, MAX_BODY_BYTES, UTF8_CHARSETS
from bridge.decode.events import KEYS_POSSIBLE, MAX_DEPTH, MAX_EVENTS, MAX_KEYS
from bridge.decode.text import LONG, marks, may_hold_big_integer, openers
from bridge.model import Delivery, Event, Fields
from bridge.names import TYPE

_loads: Final = orjson.loads  # constants: see bridge.formats.native
_read_json: Final = fast.read_json

LARGE: Final = KEYS_POSSIBLE
"""Bytes of a body above which what it holds, once parsed, should be in memory one at a time."""

CROWD: Final = 1000
"""Brackets in a LARGE body: a traceback that fills it has some, a list of events more."""

BEYOND: Final = 2.0**63
"""No integer that orjson turned into a float is smaller."""


def glance(delivery: Delivery, events: list[Event]) -> bool:
    """
    Append what `decode` would return of an ordinary delivery; False, and nothing is appended, where that takes more.

    Appended events are what `decode` returns if each of them either has no nested values, no number beyond 64 bits and
    no more than MAX_KEYS names, or is `harmless`. Raises nothing. For any thread.
    """
    text = delivery.body
    if (
        delivery.content_encoding not in UTF8_CHARSETS
        or delivery.content_type not in JSON_TYPES
        or "compression" in delivery.headers
        or (len(text) > LARGE and _is_crowded(text))
    ):
        return False
    value: Any = _read_json(text)
    if value is None:
        try:
            value = _loads(text)
        except orjson.JSONDecodeError:
            return False
    if type(value) is dict:
        kind = value.get(TYPE)
        if type(kind) is not str:
            return False
        events.append(Event(kind, value, delivery, None))
        return True
    if type(value) is not list or len(value) > MAX_EVENTS:
        return False
    found: list[Event] = []
    for index, fields in enumerate(value):
        if type(fields) is not dict:
            return False
        kind = fields.get(TYPE)
        if type(kind) is not str:
            return False
        found.append(Event(kind, fields, delivery, index))
    events += found
    return True


def harmless(event: Event) -> bool:
    """
    Whether nothing in an event that a glance took can be nested too deeply, be an integer beyond 64 bits, or be one
    name too many. Where its values leave a doubt, by the whole text that it came in.
    """
    fields = event.fields
    if len(fields) <= MAX_KEYS and is_flat(fields):
        return True
    text = event.delivery.body
    if len(text) > KEYS_POSSIBLE:
        return False
    marked = marks(text)
    return openers(marked) <= MAX_DEPTH and (LONG not in marked or not may_hold_big_integer(text, marked))


def is_flat(fields: Fields) -> bool:
    """Whether no value is a list or an object, or a number that may have been an integer beyond 64 bits."""
    for value in fields.values():
        kind = type(value)
        if kind is dict or kind is list:
            return False
        if kind is float:
            number: float = value
            if not -BEYOND < number < BEYOND:
                return False
    return True


def _is_crowded(text: bytes) -> bool:
    """Whether a large body holds so many brackets, in strings too, that they are counted before it is parsed."""
    return (
        len(text) > MAX_BODY_BYTES
        or len(text) * 2 - len(text.replace(b"[", b"")) - len(text.replace(b"{", b"")) > CROWD
    )
