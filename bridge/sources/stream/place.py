"""Where in a stream reading begins. No I/O."""

import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

_FIRST, _NEXT, _OFFSET, _TIMESTAMP = 1, 3, 4, 5
"""PROTOCOL.adoc, "Subscribe": OffsetSpecification. 2 is the last chunk."""

_TIME_BIT = 2**55
_OFFSET_BITS = _TIME_BIT - 1
"""No stream gets there; milliseconds since the epoch are fewer."""

_OFFSET_TEXT = re.compile(r"\d{1,19}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """The oldest message, the next one, one with an offset, or the first one at or after an instant."""

    kind: Literal["oldest", "next", "offset", "time"]
    value: int = 0
    """An offset, or milliseconds since the epoch."""

    def specification(self) -> bytes:
        """As the stream protocol has it."""
        match self.kind:
            case "oldest":
                return struct.pack(">H", _FIRST)
            case "next":
                return struct.pack(">H", _NEXT)
            case "offset":
                return struct.pack(">HQ", _OFFSET, self.value)
            case "time":
                return struct.pack(">Hq", _TIMESTAMP, self.value)

    @property
    def text(self) -> str:
        """For people, and to tell places apart."""
        return self.kind if self.kind in ("oldest", "next") else f"{self.kind} {self.value}"

    @property
    def number(self) -> int | None:
        """Tells places apart, in 56 bits; None: what lies there is something else each time."""
        match self.kind:
            case "next":
                return None
            case "time":
                return _TIME_BIT | self.value
            case _:
                return self.value & _OFFSET_BITS

    def argument(self) -> object:
        """As the consumer argument `x-stream-offset` has it; AMQP knows instants in whole seconds only."""
        match self.kind:
            case "oldest":
                return "first"
            case "next":
                return "next"
            case "offset":
                return self.value
            case "time":
                return datetime.fromtimestamp(self.value // 1000, UTC)


OLDEST = Place("oldest")


def read_place(text: str) -> Place:
    """
    The place that a `--start` value names: `oldest`, `next`, an offset, or an instant in ISO 8601 (no zone: UTC).

    Raises:
        ValueError: it is none; the text is the end of a sentence.
    """
    word = text.strip().lower()
    if word in ("oldest", "next"):
        return Place("oldest" if word == "oldest" else "next")
    if _OFFSET_TEXT.fullmatch(word) and int(word) < 2**63:
        return Place("offset", int(word))
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(
            f"{text[:40]!r} is none of oldest, next, an offset, or a time as 2026-11-20T11:47:00Z"
        ) from None
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    millis = int(instant.timestamp() * 1000)
    if millis < 0:
        raise ValueError(f"{text[:40]!r} is before 1970")
    return Place("time", millis)
