"""bridge.fast, as it is written in Python and, where there was a compiler, in C: both keep the same claims."""

import math
import os
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.partitioner import murmur2 as reference
from aiokafka.record.util import decode_varint
from hypothesis import given
from hypothesis import strategies as st

import bridge.fast
from bridge.clock import iso_ms
from bridge.fast import plain
from bridge.fast.plain import murmur2
from bridge.identify import _slow_id
from bridge.model import Fields
from tests.captures import FILES, events

IN_C = bridge.fast.identity is not plain.identity
WAYS = [plain, bridge.fast] if IN_C else [plain]
WANTED = pytest.mark.skipif(not IN_C, reason="nothing is compiled here")

TEXTS = st.text(max_size=30) | st.text(alphabet="aé😀\x00\n\ud800", max_size=300)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.integers() | st.integers(0, 100_000)
ODD = st.none() | st.booleans() | st.floats() | st.text(max_size=3) | st.lists(st.integers(), max_size=1)


@st.composite
def fields(draw: st.DrawFn) -> Fields:
    """An event's envelope, now and then with a part that is odd or not there."""
    parts: dict[str, Any] = {
        "timestamp": draw(st.floats(0, 3e11) | st.floats() | st.integers(0, 2**40)),
        "pid": draw(NUMBERS),
        "clock": draw(NUMBERS),
        "type": draw(TEXTS),
        "hostname": draw(TEXTS),
        "uuid": draw(TEXTS | st.none()),
    }
    for name in draw(st.lists(st.sampled_from(sorted(parts)), max_size=2)):
        parts[name] = draw(ODD)
    for name in draw(st.lists(st.sampled_from(sorted(parts)), max_size=1)):
        parts.pop(name, None)
    return parts


@WANTED
@given(fields())
def test_an_id_is_the_specifications_or_left_to_python(event: Fields) -> None:
    """The same id and time as the slow way, for whatever fields; odd ones are given back."""
    found = bridge.fast.identity(event)
    assert found is None or found == (_slow_id(event), iso_ms(event["timestamp"]))


@WANTED
@given(st.permutations(["hostname", "utcoffset", "pid", "clock", "uuid", "timestamp", "type"]), st.integers(0, 7))
def test_the_order_of_fields_is_nothing_to_an_id(names: list[str], count: int) -> None:
    """Celery's is only tried first: any other, and fields that are not there, give what the slow way gives."""
    event = {name: 5 if name in {"pid", "clock"} else name for name in names[:count]} | {"timestamp": 5.5}
    found = bridge.fast.identity(event)
    assert found is None or found[0] == _slow_id(event)
    assert (found is None) == (not {"pid", "clock", "type", "hostname"} <= event.keys())


@WANTED
def test_ids_of_real_events_are_found_at_once() -> None:
    """Of Celery's own events nearly none is left to Python, or it would all be for nothing."""
    all_fields = [event.fields for path in FILES for event in events(path)]
    found = [bridge.fast.identity(event) for event in all_fields]
    assert sum(one is not None for one in found) > 0.95 * len(found)
    assert [one for one, event in zip(found, all_fields, strict=True) if one and one[0] != _slow_id(event)] == []


@WANTED
@given(st.integers(1, 2**38 - 1), st.integers(0, 999_999))
def test_time_is_what_the_record_shows(second: int, micro: int) -> None:
    """Every second up to the last that has four digits of a year, leap years and all; later ones are left to Python."""
    timestamp = second + micro / 1e6
    found = bridge.fast.identity({"timestamp": timestamp, "pid": 1, "clock": 1, "type": "a-b", "hostname": "h"})
    if timestamp < 253402300800:
        assert found is not None
        assert found[1] == iso_ms(timestamp)
    else:
        assert found is None


@WANTED
@pytest.mark.parametrize("name", ["timestamp", "pid", "clock", "type", "hostname", "uuid"])
def test_a_name_that_cannot_be_compared_is_left_to_python(name: str) -> None:
    """An error on the way to a field is nobody's: the answer is that Python finds the id."""

    class Fails(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            raise ZeroDivisionError

        __hash__ = str.__hash__

    event: Fields = {"timestamp": 5.5, "pid": 7, "clock": 9, "type": "t", "hostname": "h", "uuid": "u"}
    del event[name]
    assert bridge.fast.identity({Fails(name): 1, **event}) is None


@WANTED
def test_what_is_too_long_is_left_to_python() -> None:
    """There is room for what Celery sends, not for any length."""
    event = {"timestamp": 5.5, "pid": 7, "clock": 9, "type": "t", "hostname": "h" * 5000}
    assert bridge.fast.identity(event) is None
    assert plain.identity(event) is None


@pytest.mark.parametrize("way", WAYS)
@given(st.lists(st.text(max_size=2), unique=True, max_size=5), st.lists(st.text(max_size=2), unique=True, max_size=5))
def test_names_are_the_same_in_the_same_order(way: Any, names: list[str], others: list[str]) -> None:
    """Neither more, nor fewer, nor turned about."""
    event = dict.fromkeys(names, 1)
    assert way.same_names(event, tuple("".join(list(name)) for name in names))
    assert way.same_names(event, tuple(others)) == (names == others)


@pytest.mark.parametrize("way", WAYS)
@given(st.lists(TEXTS.filter(lambda text: "\ud800" not in text) | st.binary(), max_size=8))
def test_parts_are_joined(way: Any, parts: list[str | bytes]) -> None:
    """Texts in UTF-8, bytes as they are."""
    assert way.joined(*parts) == b"".join(one if isinstance(one, bytes) else one.encode() for one in parts)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "call",
    [
        lambda way: way.joined(1),
        lambda way: way.add_record(bytearray(), 100, 0, 0, "key", b"", b""),
        lambda way: way.add_record(bytearray(), 100, 0, 0, None, "text", b""),
        lambda way: way.key_hash("text"),
        lambda way: way.same_names(),
        lambda way: way.add_record(),
        lambda way: way.add_record(bytearray(), "100", 0, 0, None, b"", b""),
        lambda way: way.identity(fields={}),
    ],
)
def test_what_is_not_bytes_is_an_error(way: Any, call: Any) -> None:
    """A fault of ours is said, and reads no memory that is not ours."""
    with pytest.raises((TypeError, AttributeError)):
        call(way)


@pytest.mark.parametrize("way", WAYS)
@given(
    st.integers(-(2**40), 2**40), st.integers(0, 2**31), st.none() | st.binary(), st.binary(max_size=500), st.binary()
)
def test_a_record_is_what_kafka_reads(
    way: Any, time: int, place: int, key: bytes | None, value: bytes, headers: bytes
) -> None:
    """Its length, no attributes, differences of time and place, key, value, headers; behind what was there."""
    data = bytearray(b"before")
    assert way.add_record(data, 2**31, time, place, key, value, headers)
    size, at = decode_varint(data, len(b"before"))
    assert (len(data) - at, data[at]) == (size, 0)
    found = []
    at += 1
    for content in (None, None, key, value):
        number, at = decode_varint(data, at)
        found.append(number)
        if content is not None:
            assert data[at : at + number] == content
            at += number
    assert found == [time, place, -1 if key is None else len(key), len(value)]
    assert data[at:] == headers


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("key", "value", "headers"), [("k", b"", b""), (b"k", "v", b""), (b"k", b"v", "h"), (b"k", b"v", None)]
)
def test_a_record_is_added_whole_or_not_at_all(way: Any, key: Any, value: Any, headers: Any) -> None:
    """An error in the middle would leave a batch that nobody can read."""
    data = bytearray(b"before")
    with pytest.raises(TypeError):
        way.add_record(data, 2**31, 0, 0, key, value, headers)
    assert data == b"before"


@WANTED
def test_names_that_are_no_plain_text_are_not_compared() -> None:
    """Another object's comparison could change the dict that is walked through."""

    class Grows(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            event.update({str(number): 1 for number in range(1000)})
            return True

        __hash__ = str.__hash__

    event: Fields = {Grows("a"): 1, "b": 2}
    assert not bridge.fast.same_names(event, ("x", "b"))
    assert len(event) == 2


@pytest.mark.parametrize("way", WAYS)
def test_a_batch_takes_what_it_has_room_for(way: Any) -> None:
    """To the byte; a record that does not fit changes nothing."""
    data = bytearray()
    assert way.add_record(data, 2**31, 0, 0, b"key", b"value", b"\x00")
    size = len(data)
    again = bytearray()
    assert not way.add_record(again, size - 1, 0, 0, b"key", b"value", b"\x00")
    assert again == b""
    assert way.add_record(again, size, 0, 0, b"key", b"value", b"\x00")
    assert again == data


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_hashes_are_kafkas_own_vectors(data: bytes, expected: int) -> None:
    """From org.apache.kafka.common.utils.UtilsTest.testMurmur2, signed there; the sign bit is cut off, not negated."""
    assert murmur2(data) == expected & 0xFFFFFFFF
    assert [way.key_hash(data) for way in WAYS] == [expected & 0x7FFFFFFF] * len(WAYS)


def test_hashes_agree_with_another_implementation() -> None:
    """aiokafka's port, over every length up to 300."""
    for length in range(301):
        data = os.urandom(length)
        assert {way.key_hash(data) for way in WAYS} == {reference(data) & 0x7FFFFFFF}


def test_memory_for_keys_is_bounded() -> None:
    """Every task has a key of its own, for ever."""
    for number in range(plain._REMEMBERED + 100):
        plain.key_hash(b"%d" % number)
    assert 0 < len(plain._hashes) <= plain._REMEMBERED


@WANTED
def test_nothing_is_kept() -> None:
    """Neither what was given nor what was made stays behind: counted by references."""
    event = {
        "timestamp": 1795178800.25,
        "pid": 2**40,
        "clock": 9,
        "type": "task-sent",
        "hostname": "h",
        "uuid": "u" * 36,
    }
    odd = SimpleNamespace(**event)
    watched: list[Any] = [*event.values(), *event, event, b"value" * 9, "text" * 9, tuple(event)]
    before = [sys.getrefcount(one) for one in watched]
    value, text, names = watched[-3:]
    for _ in range(100):
        assert bridge.fast.identity(event)
        assert bridge.fast.identity({**event, "pid": odd}) is None
        assert bridge.fast.same_names(event, names)
        assert not bridge.fast.same_names({}, names)
        assert bridge.fast.joined(text, value)
        assert bridge.fast.add_record(bytearray(), 2**20, 0, 0, value, value, value)
        assert not math.isnan(bridge.fast.key_hash(value))
    del value, text, names
    assert [sys.getrefcount(one) for one in watched] == before
