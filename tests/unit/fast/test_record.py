"""bridge.fast.record: the same bytes as orjson's, in C or given back, and what is left out and added."""

import math
import sys
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import bridge.fast
from bridge.fast import plain
from bridge.model import Fields
from tests.captures import FILES, events

IN_C = bridge.fast.record is not plain.record
WAYS = [plain.record, bridge.fast.record] if IN_C else [plain.record]
WANTED = pytest.mark.skipif(not IN_C, reason="nothing is compiled here")

START = b'{"event_id":"ihtm'
ANY = -1

EDGES = [length + more for length in (0, 4, 8, 16, 32, 48) for more in (-1, 0, 1) if length + more >= 0]
ODD = 'é"\\\n\x00\x1f\x7f/\x80ÿ字\ud7ff\ue000😀\U0010ffff'
TEXTS = (
    st.text()
    | st.text(alphabet="a" * 40 + ODD, min_size=1, max_size=100)
    | st.builds(lambda size, place, odd: ("x" * place)[:size] + odd + "y" * (size - place),
                st.sampled_from(EDGES), st.integers(0, 50), st.sampled_from(["", *ODD, "\ud800"]))
)  # fmt: skip
TIMES = st.floats(1e9, 4e9)
FLOATS = (
    st.floats()
    | TIMES
    | st.builds(round, TIMES, st.sampled_from([3, 6, 7]))
    | st.builds(lambda number, places: round(number, places), st.floats(0, 10), st.integers(0, 17))
    | st.floats(1e-7, 1e-3)
    | st.floats(1e15, 1e17)
    | st.builds(math.ldexp, st.integers(2**52, 2**53), st.integers(-75, 3))
    | st.builds(lambda power, up: math.nextafter(2.0**power, up), st.integers(-20, 60), st.sampled_from([0.0, 1e300]))
)
INTEGERS = (
    st.integers(-(2**63), 2**64) | st.integers() | st.integers(-11, 11) | st.sampled_from([10**n for n in range(20)])
)
PLAIN = st.none() | st.booleans() | INTEGERS | FLOATS | TEXTS
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner) | st.tuples(inner, inner), max_leaves=8
)


ODD_VALUES = [
    math.nan,
    math.inf,
    5e-324,
    1e16,
    2**64,
    -(2**63) - 1,
    10**400,
    "\ud800",
    "é\udfff😀",
    b"bytes",
    {1: 2},
    {"a": {"\ud800": 1}},
    {1, 2},
    object(),
    datetime(2026, 11, 20, tzinfo=UTC),
    type("Text", (str,), {})("text"),
    type("Number", (int,), {})(5),
    type("Object", (dict,), {})(a=1),
]


def written(way: Any, own: Fields, known: Fields) -> object:
    """All of both, and no more."""
    return way("i", "h", "t", "m", own, None, (), ANY, b"", known, None, b"}")


def by_orjson(*objects: Fields) -> bytes | None:
    """The same as orjson writes it; None: it refuses."""
    try:
        return b",".join((START, *(orjson.dumps(one)[1:-1] for one in objects if one))) + b"}"
    except TypeError:
        return None


@WANTED
@given(st.dictionaries(TEXTS, VALUES, max_size=3), st.dictionaries(TEXTS, VALUES, max_size=3))
def test_bytes_are_orjsons_or_left_to_it(own: Fields, known: Fields) -> None:
    """For whatever fields: no digit and no escape differs, and what orjson refuses is not written."""
    own.pop("type", None)
    found = written(bridge.fast.record, own, known)
    assert found is None or found == by_orjson(own, known)


@WANTED
@given(st.lists(FLOATS, min_size=10, max_size=10))
@example([2251799813685248.25, 2251799813685248.75, 1125899906842624.125, 0.0, -0.0, 2.0**53, 2.0**-9, 1e-5])
def test_numbers_have_the_digits_of_orjson(numbers: list[float]) -> None:
    """The fewest, and of two that are as near the even one; all of a usual size are taken."""
    for number in numbers:
        found = written(bridge.fast.record, {"n": number}, {})
        assert found == by_orjson({"n": number}) or found is None
        assert found or not (number == 0 or 1e-5 <= abs(number) < 2**53)


@WANTED
@given(TEXTS, TEXTS)
def test_texts_have_the_escapes_of_orjson(name: str, text: str) -> None:
    """Each that has a UTF-8 form is taken, as a name and as a value."""
    assert written(bridge.fast.record, {f"{name}-": text}, {}) == by_orjson({f"{name}-": text})


@WANTED
@pytest.mark.parametrize("odd", ODD_VALUES, ids=repr)
def test_what_is_odd_is_left_to_orjson(odd: Any) -> None:
    """In either object and inside of others; and no error stays behind."""
    for value in (odd, [odd], {"a": odd}):
        assert written(bridge.fast.record, {"n": value}, {}) is None
        assert written(bridge.fast.record, {}, {"n": value}) is None


@pytest.mark.parametrize("way", WAYS)
def test_what_is_nested_deeply_is_no_danger(way: Any) -> None:
    """It is written, or given back to be refused: the stack of C is not for senders to fill."""
    deep: Any = 1
    for _ in range(16):
        deep = [deep]
    assert written(way, {"n": deep}, {}) == by_orjson({"n": deep})
    assert written(bridge.fast.record, {"n": [deep]}, {}) == (None if IN_C else by_orjson({"n": [deep]}))
    with pytest.raises(TypeError):
        written(plain.record, {"n": object()}, {})


def test_real_events_are_written_alike_and_hardly_ever_given_back() -> None:
    """Or it would all be for nothing."""
    all_fields = [event.fields for path in FILES for event in events(path)]
    names = ("parent_id", "eta", "expires", "runtime", "result", "uuid")
    found = [
        [way(*"ihtm", own, None, names, ANY, b"", own, names[:1], b"}") for way in WAYS]
        for own in all_fields
        if names[0] in own
    ]
    assert sum(one is None for _, *ones in found for one in ones) <= 0.05 * len(found)
    assert [both for both in found if None not in both and len({*both}) > 1] == []


@pytest.mark.parametrize("way", WAYS)
def test_type_and_expected_nulls_are_left_out(way: Any) -> None:
    """Wherever they stand, and by what they say, not by which object they are; other nulls are written."""
    own = {"type": "t", "a": None, "b": 1, "".join(("nu", "ll")): None, "é": {"type": 5, "a": None}}
    names = ("b", "null", "é", "a")
    want = START + ',"b":1,"é":{"type":5,"a":null}}'.encode()
    assert way("i", "h", "t", "m", own, None, names, 0b1010, b"", {}, None, b"}") == want
    assert way("i", "h", "t", "m", own, None, names, ANY, b"", {}, None, b"}") == want
    assert way("i", "h", "t", "m", own, None, (), 0, b"", {}, None, b"}") == by_orjson(
        {name: value for name, value in own.items() if name != "type"}
    )


@pytest.mark.parametrize("way", WAYS)
def test_other_nulls_than_expected_are_told(way: Any) -> None:
    """Then what is added is another, and nothing is written."""
    own = {"a": None, "b": 1, "c": None}
    for expected in (0, 1, 0b111):
        assert way("i", "h", "t", "m", own, None, ("a", "b", "c"), expected, b"", {}, None, b"}") == 0b101


@pytest.mark.parametrize("way", WAYS)
def test_names_say_what_is_written(way: Any) -> None:
    """In their order, nulls too; behind the event's own fields what stands by itself, what is known, the end."""
    own, known = {"a": 1, "b": None, "type": "t"}, {"x": [], "y": {}, "z": ""}
    made = way("i", '","é":"h', "t", "m", own, ("b", "a"), ("b",), 0, b',"s":1', known, ("z", "x"), b',"end":0}')
    assert made == '{"event_id":"i","é":"htm,"b":null,"a":1,"s":1,"z":"","x":[],"end":0}'.encode()
    assert way("i", "h", "t", "m", own, (), (), 0, b"", known, (), b"}") == START + b"}"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [100, 4000, 4096, 5000, 70_000])
def test_records_of_any_size_are_written(way: Any, size: int) -> None:
    """More than there is room for at first."""
    own = {"a": "x" * size, "b": "é\n" * size, **{f"n{number}": number for number in range(size // 10)}}
    assert written(way, own, own) == by_orjson(own, own)


@WANTED
@pytest.mark.parametrize("place", range(12))
def test_what_is_no_part_of_a_record_is_an_error(place: int) -> None:
    """A fault of ours is said, and reads no memory that is not ours."""
    arguments: list[Any] = ["i", "h", "t", "m", {}, None, (), 0, b"", {}, None, b"}"]
    arguments[place] = 5.5
    with pytest.raises(TypeError):
        bridge.fast.record(*arguments)
    with pytest.raises(TypeError):
        bridge.fast.record(*arguments[:place])


@WANTED
def test_names_that_are_not_there_or_no_text_are_left_to_python() -> None:
    """Which says so; and no comparison of somebody's own runs while fields are walked."""

    class Grows(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            own.update({str(number): 1 for number in range(1000)})
            return True

        __hash__ = str.__hash__

    own: Fields = {Grows("a"): None, "b": None}
    assert bridge.fast.record("i", "h", "t", "m", own, None, ("x", "a"), 0, b"", {}, None, b"}") is None
    assert len(own) == 2
    assert bridge.fast.record("i", "h", "t", "m", {}, ("x",), (), 0, b"", {}, None, b"}") is None
    assert bridge.fast.record("i", "h", "t", "m", {}, (5,), (), 0, b"", {}, ([],), b"}") is None  # type: ignore[arg-type]
    with pytest.raises(KeyError):
        plain.record("i", "h", "t", "m", {}, ("x",), (), 0, b"", {}, None, b"}")


@WANTED
def test_nothing_is_kept() -> None:
    """Neither what was given nor what was made stays behind: counted by references."""
    own = {"text" * 9: "é" * 9, "number": 2**60, "float": 1795178793.123456, "list": [{"a": None}], "odd": None}
    values = [value for value in own.values() if value is not None]
    watched: list[Any] = [own, *own, *values, tuple(own), "start" * 9, b"tail" * 9]
    before = [sys.getrefcount(one) for one in watched]
    names, text, tail = watched[-3:]
    for _ in range(100):
        for names_of_own in (None, names):
            assert bridge.fast.record(*[text] * 4, own, names_of_own, names, ANY, tail, own, names_of_own, tail)
        assert bridge.fast.record(*[text] * 4, own, None, names, 0, tail, own, None, tail) == 0b10000
        assert (
            bridge.fast.record(*[text] * 4, own, None, names, ANY, tail, {"a": own, "b": object()}, None, tail) is None
        )
    del names, text, tail, names_of_own
    assert [sys.getrefcount(one) for one in watched] == before
