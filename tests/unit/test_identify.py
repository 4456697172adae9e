"""The id of an event, against a second implementation of its specification."""

import copy
import hashlib
import json
import uuid as uuids
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from bridge.decode import decode
from bridge.identify import event_id, identify, identify_all, made_id
from bridge.model import Delivery, Event
from tests import captures
from tests.captures import FILES, events

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "event-id-vectors.json").read_text(encoding="utf-8"))

STARTED = {
    "hostname": "prefork@caphost",
    "utcoffset": 0,
    "pid": 28657,
    "clock": 1234,
    "uuid": "0c6bd5e4-7b8a-4b0c-8f5e-1a2b3c4d5e6f",
    "timestamp": 1763637475.1234567,
    "type": "task-started",
}


def compact(value: Any) -> str:
    """Compact JSON with sorted names, built by hand."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{compact(name)}:{compact(value[name])}" for name in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(compact, value)) + "]"
    return repr(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def whole(value: Any) -> int | None:
    """An integer of 64 bits with sign, however JSON wrote it."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return int(value) if isinstance(value, int) and abs(2 * value + 1) < 2**64 else None


def specified(event: dict[str, Any]) -> str:
    """The specification, step by step, with integers and the standard library's UUID."""
    parts = {name: event.get(name) for name in ("timestamp", "pid", "clock", "type", "hostname", "uuid")}
    seconds = parts["timestamp"]
    usable = {
        "timestamp": isinstance(seconds, int | float) and 0 < seconds < 2**38,
        **{name: whole(parts[name]) is not None for name in ("pid", "clock")},
        **{name: isinstance(parts[name], str) for name in ("type", "hostname", "uuid")},
    }
    ms, micros = (int(float(seconds) * scale) if usable["timestamp"] else 0 for scale in (1000.0, 1000000.0))
    data = b"".join(number.to_bytes(8, "big", signed=True) for number in (micros, whole(parts["pid"]) or 0))
    data += (whole(parts["clock"]) or 0).to_bytes(8, "big", signed=True)
    texts = {name: str(parts[name]) if usable[name] else "" for name in ("type", "hostname", "uuid")}
    data += "\n".join(texts.values()).encode("utf-8")
    rest = {name: value for name, value in parts.items() if value is not None and not usable[name]}
    if parts["clock"] is None:
        rest |= {name: value for name, value in event.items() if name not in parts}
    if rest or parts["clock"] is None:
        data += b"\n" + compact(rest).encode("utf-8")
    return shaped(ms, data)


def shaped(ms: int, data: bytes) -> str:
    """Milliseconds and digest as a UUID, bit by bit."""
    digest = int.from_bytes(hashlib.blake2b(data, digest_size=10).digest(), "big")
    rand_a, rand_b = digest >> 64 & 0xFFF, digest & (1 << 62) - 1
    return str(uuids.UUID(int=ms << 80 | 7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["about"])
def test_vector(vector: dict[str, Any]) -> None:
    """The ids that were published: they never change, here and in the second implementation."""
    event = json.loads(vector["event"])
    assert event_id(event) == vector["event_id"]
    assert specified(event) == vector["event_id"]


def test_vectors_are_many_and_differ() -> None:
    """Every vector is an event of its own."""
    assert len(VECTORS) >= 20
    assert len({vector["event_id"] for vector in VECTORS}) == len(VECTORS)


@pytest.mark.parametrize("path", captures.FILES, ids=lambda path: path.stem)
def test_recorded_events_have_the_specified_id_and_their_own(path: Path) -> None:
    """No two events that real workers sent share an id, and each is the specified one."""
    ids: dict[str, bytes] = {}
    for _, delivery in captures.deliveries(path):
        for event in decode(delivery)[0]:
            identifier = event_id(event.fields)
            assert identifier == specified(event.fields)
            content = compact(event.fields).encode()
            assert ids.setdefault(identifier, content) == content
    assert ids or "large" in path.stem


def test_id_is_a_uuid_of_version_7_that_starts_with_the_time() -> None:
    """RFC 9562: sorting ids sorts events by their milliseconds."""
    identifier = uuids.UUID(event_id(STARTED))
    assert identifier.version == 7
    assert identifier.variant == uuids.RFC_4122
    assert identifier.int >> 80 == 1763637475123


@pytest.mark.parametrize(
    "change",
    [
        {"hostname": "prefork@caphosu"},
        {"pid": 28658},
        {"clock": 1235},
        {"clock": None},
        {"type": "task-startee"},
        {"uuid": None},
        {"timestamp": 1763637475.123458},
        {"hostname": "prefork@caphost0", "uuid": STARTED["uuid"][1:]},
    ],
)
def test_each_part_counts(change: dict[str, Any]) -> None:
    """Another sender, process, tick, type, task or microsecond is another event; no part runs into the next."""
    assert event_id({**STARTED, **change}) != event_id(STARTED)


def test_other_fields_count_only_without_a_clock() -> None:
    """With a clock the rest cannot differ; without one two events of the same microsecond may differ in it alone."""
    assert event_id({**STARTED, "x": 1}) == event_id(STARTED)
    blind = {**STARTED, "clock": None}
    assert event_id({**blind, "x": 1}) != event_id({**blind, "x": 2}) != event_id(blind)
    assert event_id({**blind, "a": 1, "b": {"d": 1, "c": 2}}) == event_id({"b": {"c": 2, "d": 1}, "a": 1, **blind})


def test_absent_and_null_are_the_same() -> None:
    """A sender that leaves pid, clock or uuid out means what one means that sends null."""
    bare = {name: STARTED[name] for name in ("hostname", "timestamp", "type")}
    assert event_id(bare) == event_id({**bare, "pid": None, "clock": None, "uuid": None})


def test_numbers_are_numbers() -> None:
    """JSON has one kind of number: 5.0 is 5, in every part."""
    whole = {**STARTED, "timestamp": 1763637475, "pid": 5, "clock": 6}
    assert event_id(whole) == event_id({**STARTED, "timestamp": 1763637475.0, "pid": 5.0, "clock": 6.0})


@pytest.mark.parametrize("name", ["hostname", "pid", "clock", "uuid", "timestamp"])
@pytest.mark.parametrize(
    "value", [None, True, -1, 0, 1.5, 1e300, 2**64 - 1, -(2**63), "", "a\nb", [], [1], {}, {"b": 1, "a": "é"}]
)
def test_odd_parts_have_an_id_too(name: str, value: object) -> None:
    """Whatever a laxer schema of a user lets through has the specified id, and the event stays as it was."""
    event = {**STARTED, name: value}
    before = copy.deepcopy(event)
    assert event_id(event) == specified(event)
    assert event == before


@pytest.mark.parametrize(
    "timestamp",
    [
        1e-9,
        0.001,
        1099511627.775,
        1099511627.776,
        17592186044.415,
        17592186044.416,
        32503680000,
        274877906943.999,
        274877906944.0,
    ],
)
def test_every_time_has_its_milliseconds(timestamp: float) -> None:
    """Around each place where the number of hexadecimal digits changes, up to 48 bits, then none."""
    event = {**STARTED, "timestamp": timestamp}
    assert event_id(event) == specified(event)
    assert uuids.UUID(event_id(event)).int >> 80 == (int(timestamp * 1000) if timestamp < 274877906944.0 else 0)


def test_made_id_is_a_function_of_what_it_is_about() -> None:
    """Equal parts give equal ids, parts do not run together, and the time leads."""
    assert made_id(1763637475.123, "gap", "a") == made_id(1763637475.123, "gap", "a")
    assert made_id(5.0, "ab", "c") != made_id(5.0, "a", "bc") != made_id(5.0, "abc")
    identifier = uuids.UUID(made_id(1763637475.1239, "gap", "zażółć"))
    assert (identifier.version, identifier.variant, identifier.int >> 80) == (7, uuids.RFC_4122, 1763637475123)
    assert made_id(1763637475.123, "gap", "ż") == shaped(1763637475123, "3 gap\n1 ż\n".encode())


@pytest.mark.parametrize("seconds", [0.0, -5.0, float("inf"), float("nan"), 1e300])
def test_made_id_without_a_usable_time_starts_with_zeros(seconds: float) -> None:
    """It never fails."""
    assert made_id(seconds, "x").startswith("00000000-0000-7")


def test_many_are_identified_as_one_by_one() -> None:
    """In their order, also those that are left to Python."""
    found = [Event(one.type, one.fields, Delivery(b""), None) for name in FILES for one in islice(events(name), 50)]
    assert identify_all(found) == [identify(event.fields) for event in found]
    assert identify_all([]) == []
