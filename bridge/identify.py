"""
The id of an event: a function of the event alone, never changed, so that every duplicate of an event has the same id.

The specification, complete enough to compute it in another language:

1. `timestamp` is the event's number T of seconds, as an IEEE 754 double (true is 1). It is usable when 0 < T < 2^38.
   ms = T * 1000 and micros = T * 1000000, both products of doubles, cut to integers toward zero; where T is not usable
   both are 0.
2. `pid` and `clock` are usable when they are integers of 64 bits with sign (5.0 is 5, true is 1, false is 0); `type`,
   `hostname` and `uuid` when they are strings. What is absent or null, or not usable, is 0 or the empty string.
3. The bytes, with nothing between them:

       micros pid clock               each as 8 bytes, two's complement, the highest byte first
       type LF hostname LF uuid       in UTF-8, with a line feed (0x0A) between them

4. Only when `clock` is absent or null, or one of these six is neither usable nor null: a line feed, and the JSON object
   of those that are neither, and, when `clock` is absent or null, of all other fields (all but these six); `{}` when
   there are none. It is compact (no blanks), names sorted by code point at every level, in UTF-8 with `\\u` escapes for
   control characters below U+0020 alone (`\\b \\f \\n \\r \\t` for those, lower-case hex for the others), integers in
   decimal, other numbers as Python's `repr` has always written them: the shortest digits that read back as the same
   double, plain from 0.0001 to below 1e16 with at least one digit after the point (`1.0`, `0.05`), beyond that with an
   exponent that has a sign and two digits at least (`1e+16`, `1.5e-07`).
5. D = BLAKE2b of these bytes, with a digest of 10 bytes (no key, salt or personalisation). The id's 128 bits are ms in
   48 bits, then D with its first four bits replaced by 0111 and the first two of its third byte by 10: the layout of a
   UUID version 7 (RFC 9562), written as UUIDs are, in lower case.
"""

import json
from hashlib import blake2b
from struct import Struct
from struct import error as OutOfRange  # noqa: N812 - what it says here
from typing import Any, Final

from bridge import fast
from bridge.clock import iso_ms, iso_of_ms
from bridge.model import Event, Fields
from bridge.names import CLOCK, HOSTNAME, PID, TIMESTAMP, TYPE, UUID

# Not orjson: 3.10 wrote 1e16 where 3.13 writes 1e+16, and an id is for ever.
_json: Final = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"), sort_keys=True).encode

_PARTS: Final = ("timestamp", "pid", "clock", "type", "hostname", "uuid")

_SECONDS_END: Final = 2**38  # in the year 10680; its milliseconds fit into 48 bits

_numbers: Final = Struct(">qqq").pack

_VARIANT: Final = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))
"""A digit of the digest, and the same with its first two bits replaced by 10."""

_BYTES: Final = tuple(f"{byte:02x}" for byte in range(256))

_SPANS_KEPT: Final = 4096  # of 65.5 s each: three days
_spans: Final[dict[int, str]] = {}
"""The first 32 bits of an id as text, by their number: all events of a minute share them."""

_identity: Final = fast.identity  # a constant: see bridge.formats.native

_hash: Final = blake2b(digest_size=10).copy
"""Makes a new hash with these parameters; a copy costs two thirds of reading them again."""


def identify(fields: Fields) -> tuple[str, str]:
    """
    The id of an event (see the top of this file), 36 characters, and its time as a record shows it.

    For events that keep their schema: both are made of the timestamp's milliseconds, here at once.

    `fields` is not changed. Pure; for any thread. Cost: 1 to 2 us, plain Python 2.5 (tests/bench).

    Raises:
        KeyError, TypeError, ValueError, OverflowError, OSError: a timestamp that no schema lets through.
    """
    quickly = _identity(fields)
    if quickly is not None:
        return quickly
    timestamp = fields[TIMESTAMP]
    if 0 < timestamp < _SECONDS_END:
        try:
            uuid = fields.get(UUID)
            text = "\n".join((fields[TYPE], fields[HOSTNAME], "" if uuid is None else uuid))
            hashed = _hash()
            hashed.update(_numbers(int(timestamp * 1e6), fields[PID], fields[CLOCK]) + text.encode())
            ms, digest = int(timestamp * 1000), hashed.hexdigest()
            # As _shape writes it, from tables and without a call.
            return (
                f"{_spans.get(ms >> 16) or _span(ms >> 16)}-{_BYTES[ms >> 8 & 255]}{_BYTES[ms & 255]}-7{digest[1:4]}-"
                f"{_VARIANT[digest[4]]}{digest[5:8]}-{digest[8:]}"
            ), iso_of_ms(ms)
        except (KeyError, TypeError, OutOfRange):
            pass
    return _slow_id(fields), iso_ms(timestamp)


def identify_all(events: list[Event]) -> list[tuple[str, str]]:
    """As `identify`, of 0..n events in their order; raises as it does."""
    return [_identity(event.fields) or identify(event.fields) for event in events]


def event_id(fields: Fields) -> str:
    """
    The id of any event, valid or not, 36 characters: total over everything that decode returns.

    `fields` is not changed. Pure; for any thread.
    """
    try:
        return identify(fields)[0]
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return _slow_id(fields)


def made_id(seconds: float, *parts: str) -> str:
    """
    The id of a record that the bridge itself makes, in the same shape, from what it is about.

    Equal arguments give equal ids. The digest is over `length SP part LF` for each part, lengths in code points.

    Args:
        seconds: when it happened, since the epoch, UTC; its milliseconds lead the id.
        parts: what it is about; order matters.
    """
    ms = int(seconds * 1000) if 0 < seconds < _SECONDS_END else 0
    return _shape(ms, "".join(f"{len(part)} {part}\n" for part in parts).encode())


def _shape(ms: int, data: bytes) -> str:
    digest = blake2b(data, digest_size=10).hexdigest()
    return f"{ms >> 16:08x}-{ms & 0xFFFF:04x}-7{digest[1:4]}-{_VARIANT[digest[4]]}{digest[5:8]}-{digest[8:]}"


def _span(number: int) -> str:
    if len(_spans) >= _SPANS_KEPT:
        _spans.clear()
    text = _spans[number] = f"{number:08x}"
    return text


def _slow_id(fields: Fields) -> str:
    """The same id, for any object whatever: with clock null, or parts of odd types."""
    odd: Fields = {}
    numbers, texts, ms, micros = [], [], 0, 0
    timestamp = fields.get("timestamp")
    if isinstance(timestamp, int | float) and 0 < timestamp < _SECONDS_END:
        ms, micros = int(float(timestamp) * 1000), int(float(timestamp) * 1e6)
    elif timestamp is not None:
        odd["timestamp"] = timestamp
    for name in ("pid", "clock"):
        number = _integer(fields.get(name))
        if number is None and fields.get(name) is not None:
            odd[name] = fields[name]
        numbers.append(number or 0)
    for name in ("type", "hostname", "uuid"):
        text = fields.get(name)
        if text is not None and text.__class__ is not str:
            odd[name] = text
        texts.append(text if text.__class__ is str else "")
    data = _numbers(micros, *numbers) + "\n".join(texts).encode()
    rest = (
        {name: value for name, value in fields.items() if name not in _PARTS} if fields.get("clock") is None else None
    )
    if odd or rest is not None:
        data += b"\n" + _json({**(rest or {}), **odd}).encode()
    return _shape(ms, data)


def _integer(value: Any) -> int | None:
    """JSON knows one kind of number: 5.0 is the integer 5. None: no integer of 64 bits."""
    if value.__class__ is float and value.is_integer():
        value = int(value)
    return int(value) if isinstance(value, int) and -(2**63) <= value < 2**63 else None
