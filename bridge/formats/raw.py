"""The event as it was sent, once decoded and repaired: no record, no context. For those who have their own pipeline."""

import orjson

from bridge.model import Context, Event

# Python's own types that decode cannot make do not occur; non-string keys neither. Nothing is left to refuse but depth:
# orjson stops at 254 levels, decode at 64.


def raw(event: Event, context: Context, event_id: str, event_time: str, observed_time: str) -> bytes:  # noqa: ARG001
    """
    Compact JSON with the sender's fields in the sender's order.

    What decode repaired shows repaired: NaN is null, a lone surrogate is U+FFFD, an int beyond 64 bit is a string.

    Raises:
        Nothing.

    Cost: 0.6 us for an event of 400 bytes.
    """
    return orjson.dumps(event.fields)
