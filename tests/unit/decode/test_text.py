"""JSON text before it is parsed."""

import json

import orjson
import pytest

from bridge.decode.text import LONG, MARKS, marks, may_hold_big_integer, nesting, openers, repaired


def python_reads(text: str) -> bool:
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return False
    return True


def big(text: str) -> bool:
    return may_hold_big_integer(text.encode(), marks(text.encode()))


def test_marks_keep_length_digits_and_openers() -> None:
    """One byte for each byte, so that a place in the one is a place in the other."""
    assert marks(b'{"a":[12,"x9"]}') == b"[    [00   0   "
    assert len(marks(bytes(range(256)))) == 256
    assert MARKS.count(b"0") == 10
    assert LONG in marks(str(-(2**63) - 1).encode())


def test_openers_count_strings_too() -> None:
    """It is a bound, not a count: what stands in strings is counted with it."""
    assert openers(marks(b'{"a": "[{", "b": [[]]}')) == 5
    assert openers(marks(b"")) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", (1, 1)),
        ('{"a": [[], {}], "b": []}', (5, 3)),
        (r'{"a": "[[[\"[["}', (1, 1)),
        (r'{"a": "\\", "b": [1]}', (2, 2)),
        ("1", (0, 0)),
        ("]]][", (1, 0)),
    ],
)
def test_nesting_counts_outside_strings(text: str, expected: tuple[int, int]) -> None:
    """Objects and lists, and how deep, whatever strings hold; broken text gives some number."""
    assert nesting(text.encode(), 100) == expected


def test_nesting_stops_when_it_is_enough() -> None:
    """A body of millions of lists is not counted to its end."""
    assert nesting(b"[" * 1_000_000, 10) == (11, 11)


@pytest.mark.parametrize(
    "number", [2**64, -(2**63) - 1, 10**19 * 3, 10**400, -(10**400), 99999999999999999999, -9999999999999999999]
)
@pytest.mark.parametrize(
    "form", ['{"a":%s}', '{"a": %s}', "[1,%s,2]", "[ \n%s\t]", '{"a": [%s]}', '{"b": 1.5, "a": %s , "c": 0}']
)
def test_big_integer_is_noticed_and_becomes_a_string(number: int, form: str) -> None:
    """Wherever it stands in valid JSON, an integer beyond 64 bit is seen, and repaired to its digits."""
    text = (form % number).encode()
    assert may_hold_big_integer(text, marks(text))
    mended = repaired(text)
    assert mended == (form % f'"{number}"').encode()


@pytest.mark.parametrize("number", [2**64 - 1, -(2**63), 0, -1, 2**63, 1234567890123456789])
def test_integer_of_64_bit_stays(number: int) -> None:
    """What orjson reads exactly is left alone."""
    assert repaired(b'{"a": %d}' % number) is None
    assert orjson.loads(b'{"a": %d}' % number) == {"a": number}


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 0.12345678901234567890123}',
        '{"a": "(12345678901234567890,)"}',
        '{"a": "x12345678901234567890"}',
        '"1" * 30',
    ],
)
def test_digits_of_fractions_and_texts_are_no_integers(text: str) -> None:
    """Long fractions are everyday; they and most texts are told apart without reading the body twice."""
    assert not big(text)


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ('{"a": NaN}', '{"a": null}'),
        ('{"a": [Infinity, -Infinity,NaN]}', '{"a": [null, null,null]}'),
        (r'{"a": "\udcff"}', r'{"a": "\ufffd"}'),
        (r'{"\udcff": 1}', r'{"\ufffd": 1}'),
        (r'{"a": "\uD800\uD800\uDC00"}', r'{"a": "\ufffd\uD800\uDC00"}'),
        (r'{"a": "\ud83d\ude00\ude00"}', r'{"a": "\ud83d\ude00\ufffd"}'),
        (r'{"a": "\\\ud800"}', r'{"a": "\\\ufffd"}'),
    ],
)
def test_what_only_python_writes_is_repaired(text: str, mended: str) -> None:
    """NaN and Infinity become null, lone surrogates U+FFFD, also in names."""
    assert repaired(text.encode()) == mended.encode()


@pytest.mark.parametrize(
    "text",
    [
        '{"a": "NaN, Infinity"}',
        r'{"a": "\\ud800"}',
        r'{"a": "\ud83d\ude00"}',
        r'{"a": "\u00e9 \" NaN"}',
        '{"a": 1.5e300, "b": -0.0}',
        '{"a": 12345678901234567890e5}',
        '{"a": 12345678901234567890.5}',
        '{"a": 012345678901234567890}',
        "",
    ],
)
def test_what_is_json_or_beyond_repair_is_left_alone(text: str) -> None:
    """Strings are not looked into for tokens, escaped backslashes are no escapes, other numbers are none of ours."""
    assert repaired(text.encode()) is None


@pytest.mark.parametrize(
    "text",
    [
        "{NaN: 1}",
        "{-Infinity\n: 1}",
        "{1.5: NaN}",
        "{123456789012345678901: 1}",
        "{123456789012345678901 : 1}",
        "[-NaN]",
        "[+Infinity]",
        "[NaN5]",
        "[5NaN]",
        "[nullNaN]",
        '["a"123456789012345678901]',
        "[123456789012345678901.]",
        "[.123456789012345678901]",
        "[--123456789012345678901]",
        "[1 123456789012345678901]",
        "[123456789012345678901e]",
        r'["\ud8"]',
        r'["\ud800]',
        '["a\x01", NaN]',
        "[Nan]",
        "[NaN",
        "[NaN, 1e400]",
    ],
)
def test_broken_text_stays_broken(text: str) -> None:
    """A repair never turns what is not JSON into something that parses, nor what Python's json refuses."""
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(repaired(text.encode()) or text.encode())
    if "1e400" not in text:  # Python reads it as infinity
        assert not python_reads(text)
