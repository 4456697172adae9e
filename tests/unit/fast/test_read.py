"""bridge.fast.read_json: what orjson reads, or nothing at all."""

import gc
import json
import subprocess
import sys
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import bridge.fast
from bridge.fast import plain
from bridge.names import SENT_FIELDS
from tests.captures import FILES, deliveries

IN_C = bridge.fast.read_json is not plain.read_json
WANTED = pytest.mark.skipif(not IN_C, reason="nothing is compiled here")

LONGEST, MEMBERS, DEPTH = 64, 32, 16
"""Of what is remembered, in an object, of nesting: beyond, it is left to orjson."""

ENVELOPE = ("hostname", "utcoffset", "pid", "clock", "timestamp", "type", "uuid")
TASKS = (*SENT_FIELDS, "result", "runtime", "exception", "traceback", "requeue", "terminated", "signum", "expired")
WORKERS = ("freq", "active", "processed", "loadavg", "sw_ident", "sw_ver", "sw_sys")
CELERY = (*ENVELOPE, *TASKS, *WORKERS)
"""Names that there is room for, whatever other names came first."""

NAMES = st.sampled_from(["type", "uuid", "a", "an", "b" * 15, "c" * 16, "d" * LONGEST, "e" * (LONGEST + 1)])
TEXTS = st.text(max_size=40) | st.text(alphabet='ab"\\/\x00\n\x1f\x7fé€😀', max_size=40)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
TIMES = st.floats(1.6e9, 2e9) | st.builds(round, st.floats(0, 2e9), st.integers(0, 9))
SCALARS = st.none() | st.booleans() | st.integers(-(2**65), 2**65) | FLOATS | TIMES | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | TEXTS, inner, max_size=5),
    max_leaves=20,
)
OBJECTS = st.dictionaries(NAMES | TEXTS, VALUES, max_size=8)
SEPARATORS = st.sampled_from([(", ", ": "), (",", ":"), (" ,\n", "\t:\r\n  ")])


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """Objects, or lists of them, as somebody may write them."""
    value = draw(OBJECTS | st.lists(OBJECTS | VALUES, max_size=4))
    separators, ascii_only = draw(SEPARATORS), draw(st.booleans())
    return json.dumps(value, separators=separators, ensure_ascii=ascii_only).encode("utf-8", "replace")


def expected(text: bytes) -> Any:
    """What orjson reads, types and all; nothing where it is no JSON."""
    try:
        return repr(orjson.loads(text))
    except orjson.JSONDecodeError:
        return None


def agrees(text: bytes) -> bool:
    """Whether it is read as orjson reads it, or left to it."""
    found = bridge.fast.read_json(text)
    return found is None or repr(found) == expected(text)


@given(texts())
@example(b'{"a": 1, "a": 2}')
@example(b'[{"a": 1, "b": 1, "a": 2}, {"a": 3, "b": 4, "a": 2}, {"a": 3, "b": 4, "a": 1}]')
@example(b" [ ] ")
@example(b"[-0, 0, -0.0, 0.0, 1E5, 0.1e1, 5e-324, 123456789012345678]")
@example(b'{"a": "\\ud83d\\ude00 \\u00e9 \\"\\\\\\/\\b\\f\\n\\r\\t"}')
def test_it_reads_what_orjson_reads(text: bytes) -> None:
    """The same value of the same types, or it is left to orjson."""
    assert agrees(text)


@given(texts(), st.data())
def test_what_is_broken_is_left_to_orjson(text: bytes, data: st.DataObject) -> None:
    """Whatever happened to a text: cut off, a byte gone, one too many, another in its place."""
    place = data.draw(st.integers(0, len(text) - 1))
    byte = data.draw(
        st.sampled_from([b"", b'"', b"\\", b",", b"}", b"]", b"0", b".", b"e", b"-", b"\x00", b"\xff", b" "])
    )
    kept = data.draw(st.integers(0, 1))
    assert agrees(text[:place])
    assert agrees(text[:place] + byte + text[place + kept :])


@pytest.mark.parametrize(
    "text",
    [
        b"", b"null", b"5", b'"a"', b"{", b"[", b"[1", b"[1,]", b"{,}", b'{"a":1,}', b'{"a"}', b'{"a":}', b'{"a" 1}',
        b"{1:2}", b"[01]", b"[1.]", b"[.5]", b"[1e]", b"[1e+]", b"[-]", b"[+1]", b"[1e400]", b"[nul]", b"[nulls]",
        b"[NaN]", b"[Infinity]", b'["\\x"]', b'["\\u12"]', b'["\\ud800"]', b'["\\udc00"]', b'["\\ud800\\u0041"]',
        b'["\xff"]', b'["\xed\xa0\x80"]', b'["\xc0\x80"]', b'["\n"]', b'["\x00"]', b'["a', b'["\\', b'["\\u', b"[] []",
        b"[]\x00", b"\x00[]", b"[1\x00]", b"[" * 2000 + b"]" * 2000,
        b"[18446744073709551616]", b"[9999999999999999999]",
    ],
)  # fmt: skip
def test_what_is_no_json_or_unusual_is_left(text: bytes) -> None:
    """orjson says what is wrong with it, or reads it."""
    assert bridge.fast.read_json(text) is None


DIGITS = st.text(alphabet="0123456789", min_size=1, max_size=24)


@WANTED
@given(st.sampled_from(["", "-"]), DIGITS, DIGITS, st.sampled_from(["", "e5", "E-7", "e+22", "e-300"]))
def test_a_decimal_is_the_nearest_double(sign: str, whole: str, decimals: str, power: str) -> None:
    """However many digits: the double that Python finds too."""
    text = f"{sign}{whole.lstrip('0') or '0'}.{decimals}{power}"
    found = bridge.fast.read_json(f"[{text}]".encode())
    if len(whole.lstrip("0")) <= 18:
        assert found is not None
        assert found[0].hex() == float(text).hex()
    else:
        assert found is None or found[0].hex() == float(text).hex()


@WANTED
@given(st.integers(2**53, 2**63), st.integers(1, 19), st.integers(-1, 1))
def test_halfway_between_two_doubles_it_is_the_even_one(number: int, decimals: int, off: int) -> None:
    """Decimals at, and right beside, the middle of two doubles, where rounding is hardest."""
    halfway = (number | 1) << 1 if number.bit_length() == 54 else number
    digits = str(halfway + off)[:19].rjust(decimals + 1, "0")
    text = f"{digits[:-decimals]}.{digits[-decimals:]}"
    found = bridge.fast.read_json(f"[{text}]".encode())
    assert found is None or found[0].hex() == float(text).hex()


@WANTED
def test_real_events_are_read_at_once() -> None:
    """Of Celery's own messages nearly none is left to orjson, or it would all be for nothing."""
    texts = [delivery.body for path in FILES for _, delivery in deliveries(path)]
    assert [text for text in texts if not agrees(text)] == []
    valid = [text for text in texts if expected(text) is not None]
    assert sum(bridge.fast.read_json(text) is not None for text in valid) > 0.95 * len(valid)


@WANTED
@given(st.lists(st.tuples(SCALARS, SCALARS, st.sampled_from(["x", "y"]), VALUES), min_size=1, max_size=6))
def test_objects_of_one_kind_have_nothing_in_common(rows: list[tuple[Any, ...]]) -> None:
    """What is copied from the last one is never seen in the next one, and no copy changes afterwards."""
    texts = [json.dumps({"a": a, "type": kind, "b": b, "c": c}).encode() for a, b, kind, c in rows]
    found = [bridge.fast.read_json(text) for text in texts]
    for one in found:
        if one is not None:
            one["more"] = 1  # of nobody's but its own
    for text, one in zip(texts, found, strict=True):
        assert one is None or repr(one) == repr({**orjson.loads(text), "more": 1})
        assert agrees(text)


@WANTED
def test_names_are_the_objects_that_orjson_has() -> None:
    """Equal names of all events are one object, whoever read them: a look-up compares no texts."""
    code = (
        'import orjson, bridge.fast; text = b\'{"hostname": 1, "custom": 2}\'; '
        "assert all(map(lambda one, other: one is other, orjson.loads(text), bridge.fast.read_json(text)))"
    )  # in a process of its own: here both have met more names than they remember
    subprocess.run([sys.executable, "-c", code], check=True)


@WANTED
def test_lists_values_and_no_names_are_ordinary() -> None:
    """Up to the bounds it is read here; beyond, by orjson."""
    assert bridge.fast.read_json(b'{"loadavg": [0.1, 2, -3], "none": {}, "all": []}') is not None
    wide = {name: number for number, name in enumerate(CELERY)}
    assert len(wide) == MEMBERS + 1
    assert bridge.fast.read_json(json.dumps(wide).encode()) is None
    wide.popitem()
    assert bridge.fast.read_json(json.dumps(wide).encode()) == wide
    assert bridge.fast.read_json(b"[" * DEPTH + b"]" * DEPTH) is not None
    assert bridge.fast.read_json(b"[" * (DEPTH + 1) + b"]" * (DEPTH + 1)) is None


@WANTED
def test_memory_is_bounded() -> None:
    """Names and texts come from users: beyond what is remembered, all is as right, and nothing more is kept."""

    def turn(start: int) -> int:
        for number in range(start, start + 20_000):
            text = b'{"name-%d": "text-%d", "uuid": "%d"}' % (number, number, number)
            assert agrees(text)
        gc.collect()
        return sys.getallocatedblocks()

    turn(0)
    before = turn(20_000)
    assert turn(40_000) - before < 1000


@WANTED
def test_nothing_leaks() -> None:
    """What was made is gone with who has it, also where it was given up halfway."""
    texts = [b'{"a": 5000, "b": "%d", "c": [1.5, {"a": "\\n"}], "d": %s}' % (9, end) for end in (b"1", b"[1, x]", b"{")]

    def turn() -> int:
        for _ in range(2000):
            for text in texts:
                bridge.fast.read_json(text)
        gc.collect()
        return sys.getallocatedblocks()

    turn()
    before = turn()
    assert turn() - before < 500


@WANTED
def test_it_may_be_called_while_it_runs() -> None:
    """Making a dict may collect garbage, and garbage may read an event on its end."""
    texts = [b'{"type": "%d", "uuid": %d, "args": [{"type": "%d", "uuid": []}]}' % (n, n, n) for n in range(300)]
    ends: list[Any] = []

    class Reads:
        def __init__(self) -> None:
            self.self = self  # a cycle: only the collector ends it

        def __del__(self) -> None:
            name = CELERY[7 + len(ends) % 26]
            ends.append(bridge.fast.read_json(f'{{"uuid": {len(ends)}, "type": "end", "{name}": {{}}}}'.encode()))

    thresholds = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for text in texts:
            Reads()
            assert repr(bridge.fast.read_json(text)) == expected(text)
    finally:
        gc.set_threshold(*thresholds)
    gc.collect()
    assert len(ends) == len(texts)
    assert all(one["type"] == "end" for one in ends)


@pytest.mark.parametrize("value", ["[]", None, bytearray(b"[]"), memoryview(b"[]")])
def test_only_bytes_are_read(value: Any) -> None:
    """A fault of ours is said; memory that may change is not looked at."""
    if IN_C:
        with pytest.raises(TypeError):
            bridge.fast.read_json(value)
    else:
        assert bridge.fast.read_json(value) is None
