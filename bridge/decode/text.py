"""Looking at JSON text before it is parsed: how deep, how big, and what only Python writes in it."""

import re

# A JSON string as a whole, escapes included. No two ways to match one text, so no backtracking.
_STRING = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_NUMBER = rb"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"

_BRACKET = re.compile(_STRING + rb"|([\[{])|[\]}]", re.DOTALL)
_TOKEN = re.compile(_STRING + rb"|" + _NUMBER + rb"|-?Infinity|NaN", re.DOTALL)
_NAMES_A_FIELD = re.compile(rb"[ \t\n\r]*:")

# One escape: a surrogate pair (12 bytes), a lone surrogate (6 bytes), or any other (2 bytes, `\\` among them).
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)", re.DOTALL
)
_LONE = 6

MARKS = bytes(48 if 48 <= byte <= 57 else 91 if byte in b"[{" else 32 for byte in range(256))
"""For `bytes.translate`: every digit becomes `0`, every `[` and `{` becomes `[`, any other byte a blank."""

LONG = b"0" * 19
"""In a marked text: as many digits as the shortest integer beyond 64 bit has, -9223372036854775809."""

_BEFORE_A_NUMBER = b" \t\n\r:,["
_AFTER_A_NUMBER = b" \t\n\r,]}"

_SMALLEST, _LARGEST = -(2**63), 2**64 - 1
_MAX_INTEGER_DIGITS = 20  # of 2**64 - 1; whatever has more does not fit and is never turned into an int


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
    pieces: list[bytes] = []
    done = 0
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token[0] == 34:
            new = _without_lone_surrogates(token) if b"\\u" in token else None
        elif token[-1] > 57:  # a letter: NaN or Infinity
            new = b"null"
        elif len(token) >= len(LONG) and _beyond_64_bit(token):
            new = b'"' + token + b'"'
        else:
            new = None
        if new is None or (token[0] != 34 and _NAMES_A_FIELD.match(text, match.end())):
            continue  # a bare number or NaN as a name is broken, and quoting it would hide that
        pieces += (text[done : match.start()], new)
        done = match.end()
    if not pieces:
        return None
    pieces.append(text[done:])
    return b"".join(pieces)


def _beyond_64_bit(number: bytes) -> bool:
    """Whether it is an integer, written as JSON wants it, that fits neither int64 nor uint64."""
    digits = number.removeprefix(b"-")
    if not digits.isdigit() or digits[0] == 48:
        return False
    return len(digits) > _MAX_INTEGER_DIGITS or not _SMALLEST <= int(number) <= _LARGEST


def _without_lone_surrogates(string: bytes) -> bytes | None:
    """The string token with `\\ufffd` for each lone surrogate escape; None when there is none."""
    fixed = _ESCAPE.sub(_replace_lone, string)
    return None if fixed == string else fixed


def _replace_lone(match: re.Match[bytes]) -> bytes:
    escape = match.group()
    return b"\\ufffd" if len(escape) == _LONE else escape
