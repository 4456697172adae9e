"""One line of a terminal: cells at fixed columns, in colours, never wider than told."""

from bridge.formats.columns import columns, cut

PLAIN = ""
DIM = "2"
RED = "31"
GREEN = "32"
YELLOW = "33"
BLUE = "34"
MAGENTA = "35"
CYAN = "36"
WHITE = "37"
"""Styles are the parameters of the escape sequence SGR (ECMA-48, 8.3.117), in the eight colours every theme defines."""


_SEPARATOR = 2  # between texts that may hold single spaces


class Line:
    """
    Collects cells from left to right. What lies beyond the width is cut; blanks at the end are never written.

    Texts must hold no control characters (see `escape`).
    """

    __slots__ = ("_color", "_end", "_next", "_parts", "_separator", "_width")

    def __init__(self, width: int, separator: int, *, color: bool) -> None:
        self._width = width
        self._separator = separator
        self._color = color
        self._parts: list[str] = []
        self._end = 0
        self._next = 0

    @property
    def room(self) -> int:
        """Columns left for the next cell; 0 or less when there is none."""
        return self._width - self._next

    def put(self, text: str, style: str = PLAIN, size: int | None = None) -> None:
        """
        Write a cell; the next one begins after it and the separator (two columns where it has no size of its own).

        Args:
            text: cut to `size` or to the room left, whichever is smaller.
            style: one of this module's.
            size: columns the cell takes whatever its text; None: as many as the text, and none for an empty one.
        """
        start = self._next
        room = self._width - start
        if size is not None and size < room:
            room = size
        if text and room > 0:
            taken = len(text) if text.isascii() else columns(text)
            if taken > room:
                text = cut(text, room)
                taken = columns(text)
            if start > self._end:
                self._parts.append(" " * (start - self._end))
            self._parts.append(f"\x1b[{style}m{text}\x1b[0m" if style and self._color else text)
            self._end = start + taken
            self._next = start + taken + _SEPARATOR if size is None else start + size + self._separator
        elif size is not None:
            self._next = start + size + self._separator

    def encode(self) -> bytes:
        """What was put so far."""
        return "".join(self._parts).encode()
