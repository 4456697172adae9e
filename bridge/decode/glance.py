"""
The quick look at an ordinary broker message: parsed, and nothing else asked.

`decode` counts brackets and digits in a text before it believes a parser: nesting, and integers that orjson turns into
floats. An event whose schema allows neither need not be asked, and nearly all are such.
"""

import orjson

from bridge.decode.body import JSON_TYPES, UTF8_CHARSETS
from bridge.decode.events import KEYS_POSSIBLE, MAX_DEPTH, MAX_EVENTS
from bridge.decode.text import LONG, marks, may_hold_big_integer, openers
from bridge.model import Delivery, Event
from bridge.names import TYPE


def glance(delivery: Delivery, events: list[Event]) -> bool:
    """
    Append what `decode` would return of an ordinary delivery; False, and nothing is appended, where that takes more.

    Appended events are what `decode` returns if each of them either has no nested values and no number beyond 64 bits,
    or came with a text that is `harmless`. Raises nothing. For any thread.
    """
    text = delivery.body
    if (
        delivery.content_encoding not in UTF8_CHARSETS
        or delivery.content_type not in JSON_TYPES
        or "compression" in delivery.headers
        or len(text) > KEYS_POSSIBLE
    ):
        return False
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    if value.__class__ is dict:
        if (kind := value.get(TYPE)).__class__ is not str:
            return False
        events.append(Event(kind, value, delivery, None))
        return True
    if value.__class__ is not list or len(value) > MAX_EVENTS:
        return False
    found: list[Event] = []
    for index, fields in enumerate(value):
        if fields.__class__ is not dict or (kind := fields.get(TYPE)).__class__ is not str:
            return False
        found.append(Event(kind, fields, delivery, index))
    events += found
    return True


def harmless(text: bytes) -> bool:
    """Whether nothing in a text that was parsed can be nested too deeply, or be an integer beyond 64 bits."""
    marked = marks(text)
    return openers(marked) <= MAX_DEPTH and (LONG not in marked or not may_hold_big_integer(text, marked))
