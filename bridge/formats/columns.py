"""How many columns of a terminal a text takes, and how to make it take fewer."""

import re
import unicodedata
from functools import lru_cache

_ELLIPSIS = "…"

# Shown without a column of their own although their category is Cf, as the others of it are not everywhere:
# zero width space, non-joiner, joiner, word joiner and the invisible operators, byte order mark.
_ZERO_WIDTH = frozenset("\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff")

# Asks for the emoji form of the character before it, which is two columns wide where the plain form was one.
_EMOJI_SELECTOR = "\ufe0f"

# Two columns since Unicode 16 (trigrams, hexagrams, Tai Xuan Jing, counting rods), which an older Python does not know;
# and the halves of flags, which are two alone and two together.
_ALSO_WIDE = re.compile("[\u2630-\u2637\u268a-\u268f\u4dc0-\u4dff\U0001d300-\U0001d376\U0001f1e6-\U0001f1ff]")


@lru_cache(maxsize=4096)  # a screen of CJK text uses a few hundred different characters
def _char_columns(char: str) -> int:
    if unicodedata.east_asian_width(char) in {"W", "F"} or _ALSO_WIDE.match(char):
        return 2
    if char == _EMOJI_SELECTOR:
        return 1
    if char in _ZERO_WIDTH or unicodedata.category(char) in {"Mn", "Me"}:
        return 0
    return 1


def columns(text: str) -> int:
    """
    Columns that `text` takes: East Asian wide and full-width characters two, combining marks none, ambiguous ones one.

    Where terminals disagree (joined emoji, flags) it says the larger number, so that a line is never too wide.
    Source: Unicode Standard Annex #11, and Markus Kuhn's wcwidth.

    Args:
        text: without control characters (see `escape`).

    Raises:
        Nothing.
    """
    if text.isascii():
        return len(text)
    return sum(map(_char_columns, text))


def cut(text: str, room: int) -> str:
    """The beginning of `text` with an ellipsis, at most `room` columns; unchanged when it fits. Empty for no room."""
    if len(text) <= room and text.isascii():
        return text
    if room <= 0:
        return ""
    if columns(text) <= room:
        return text
    return _head(text, room - 1) + _ELLIPSIS


def cut_start(text: str, room: int) -> str:
    """As `cut`, keeping the end: of a dotted name that is the part that tells."""
    if len(text) <= room and text.isascii():
        return text
    if room <= 0:
        return ""
    if columns(text) <= room:
        return text
    return _ELLIPSIS + _tail(text, room - 1)


def cut_middle(text: str, room: int) -> str:
    """As `cut`, keeping both ends: of a host or an id that a user chose either may tell."""
    if len(text) <= room and text.isascii():
        return text
    if room <= 0:
        return ""
    if columns(text) <= room:
        return text
    tail = (room - 1) // 2
    return _head(text, room - 1 - tail) + _ELLIPSIS + _tail(text, tail)


def _head(text: str, room: int) -> str:
    """The longest beginning that takes at most `room` columns."""
    if text.isascii():
        return text[:room]
    taken = 0
    for index, char in enumerate(text):
        taken += _char_columns(char)
        if taken > room:
            return text[:index]
    return text


def _tail(text: str, room: int) -> str:
    """The longest end that takes at most `room` columns and does not begin with a mark that lost its letter."""
    start = len(text)
    taken = 0
    for index in range(len(text) - 1, -1, -1):
        size = _char_columns(text[index])
        taken += size
        if taken > room:
            break
        if size:
            start = index
    return text[start:]
