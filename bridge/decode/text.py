"""Looking at JSON text before it is parsed: how deep, how big, and what only Python writes in it."""

import re
from typing import Final

# A JSON string as a whole, escapes included. A string that never ends reaches to the end of the text: were it no match,
# each quote in it would be tried in turn. Possessive (`*+`), so that nothing is remembered to come back to.
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)'
# A number or a constant, and the colon behind it, where broken text has one: as a name it is never repaired.
_BARE = rb"(-?+(?:\d++(?:\.\d++)?+(?:[eE][+-]?\d++)?+|Infinity)|NaN)([ \t\n\r]*+:)?+"

_BRACKET: Final = re.compile(_STRING + rb"|([\[{])|[\]}]", re.DOTALL)
_TOKEN: Final = re.compile(_STRING + rb"|" + _BARE, re.DOTALL)

# One escape: a surrogate pair, any that is no surrogate (`\\` among them), or, in the group, a lone surrogate.
_ESCAPE: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.DOTALL
)

MARKS: Final = bytes(48 if 48 <= byte <= 57 else 91 if byte in b"[{" else 32 for byte in range(256))
"""For `bytes.translate`: every digit becomes `0`, every `[` and `{` becomes `[`, any other byte a blank."""

LONG: Final = b"0" * 19
"""In a marked text: as many digits as the shortest integer beyond 64 bit has, -9223372036854775809."""

_BEFORE_A_NUMBER: Final = b" \t\n\r:,["
_AFTER_A_NUMBER: Final = b" \t\n\r,]}"

_SMALLEST, _LARGEST = -(2**63), 2**64 - 1
_MAX_INTEGER_DIGITS: Final = 20  # of 2**64 - 1; whatever has more does not fit and is never turned into an int


def marks(text: bytes) -> bytes:
    """The text translated by MARKS."""
    return text.translate(MARKS)


def openers(marked: bytes) -> int:
    """How many `[` and `{` a text has, in strings too: a bound on its objects and lists, for next to nothing."""
    # `replace` jumps from hit to hit where `count` looks at every byte: half the time.
    return len(marked) - len(marked.replace(b"[", b""))


def nesting(text: bytes, enough: int) -> tuple[int, int]:
    """How many objects and lists there are outside strings, and how deep; counting ends above `enough` of either."""
    containers = depth = deepest = 0
    for match in _BRACKET.finditer(text):
        if match.group(1) is not None:
            containers += 1
            depth += 1
            deepest = max(deepest, depth)
            if containers > enough:
                break
        elif match.end() - match.start() == 1:
            depth -= 1
    return containers, deepest


def may_hold_big_integer(text: bytes, marked: bytes) -> bool:
    """
    Whether an integer beyond 64 bit may stand in the text; True may be wrong, False never is.

    `marked` is the text translated by MARKS. Where LONG is not in it, there is no need to ask.

    orjson turns such an integer into a float and says nothing. Many floats have as many digits behind their point, and
    so have texts in strings.
    """
    at = marked.find(LONG)
    while at > 0:
        end = marked.find(b" ", at)
        if end < 0:
            return False  # digits up to the end: no object, no list
        negative = text[at - 1] == 45
        before = text[at - 2] if negative else text[at - 1]
        if (negative or end - at > len(LONG)) and before in _BEFORE_A_NUMBER and text[end] in _AFTER_A_NUMBER:
            return True
        at = marked.find(LONG, end)
    return False


def repaired(text: bytes) -> bytes | None:
    """
    The text with what Python's `json.dumps` writes and strict JSON has not, made JSON; None when there is none of it.

    `NaN`, `Infinity`, `-Infinity` become null; a lone surrogate escape (`\\udcff`) becomes `\\ufffd`, in names too; an
    integer beyond 64 bit becomes a string of its digits, however many. Nothing else changes, and text that was broken
    stays broken: it is parsed by the same parser afterwards, so one text has one meaning.
    """
    mended = bytearray()
    done = 0
    for match in _TOKEN.finditer(text):
        bare, colon = match.groups()
        new: bytes | None = None
        if bare is None:
            string = match.group()
            if b"\\u" in string:
                new = _without_lone_surrogates(string)
        elif colon is not None:
            continue
        elif bare[-1] > 57:  # a letter: NaN or Infinity
            new = b"null"
        elif len(bare) >= len(LONG) and _beyond_64_bit(bare):
            new = b'"' + bare + b'"'
        if new is not None:
            mended += text[done : match.start()]
            mended += new
            done = match.end()
    if not done:
        return None
    mended += text[done:]
    return bytes(mended)


def _beyond_64_bit(number: bytes) -> bool:
    """Whether it is an integer, written as JSON wants it, that fits neither int64 nor uint64."""
    digits = number.removeprefix(b"-")
    if not digits.isdigit() or digits[0] == 48:
        return False
    return len(digits) > _MAX_INTEGER_DIGITS or not _SMALLEST <= int(number) <= _LARGEST


def _without_lone_surrogates(string: bytes) -> bytes | None:
    """The string token with `\\ufffd` for each lone surrogate escape; None when there is none."""
    mended = bytearray()
    done = 0
    for match in _ESCAPE.finditer(string):
        if match.group(1) is not None:
            mended += string[done : match.start()]
            mended += b"\\ufffd"
            done = match.end()
    if not done:
        return None
    mended += string[done:]
    return bytes(mended)
