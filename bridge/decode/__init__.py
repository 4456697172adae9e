"""The first stage: the events that one broker message holds, and why what is left is none."""

from bridge.decode.body import MAX_BODY_BYTES
from bridge.decode.events import MAX_CONTAINERS, MAX_DEPTH, MAX_EVENTS, MAX_KEYS, decode
from bridge.decode.glance import LARGE, glance, harmless

__all__ = [
    "LARGE",
    "MAX_BODY_BYTES",
    "MAX_CONTAINERS",
    "MAX_DEPTH",
    "MAX_EVENTS",
    "MAX_KEYS",
    "decode",
    "glance",
    "harmless",
]
