"""Chunks of bytes to lines, in bounded memory."""

from bridge.decode import MAX_BODY_BYTES

MAX_LINE_BYTES = 64 * 1024 * 1024
"""A line above this is cut. Eight times what decode takes: what is cut could never have become an event."""


class CutLine(bytes):
    """The first MAX_BODY_BYTES + 1 bytes of a line above MAX_LINE_BYTES: just too large for decode to take."""

    full_bytes: int
    """How long the line was."""


class Splitter:
    """Holds the unfinished line between two chunks: at most MAX_LINE_BYTES and a chunk, however long it is."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._held_bytes = 0
        self._full_bytes = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        r"""
        The 0..n lines that the chunk finishes, in order, without their `\n`; a CutLine for one that was too long.

        A chunk is much smaller than MAX_LINE_BYTES: a line that lies inside one is never cut.
        """
        lines = chunk.split(b"\n")
        last = lines.pop()
        if lines and self._pieces:
            self._hold(lines[0])
            lines[0] = self._taken()
        if last:
            self._hold(last)
        return lines

    def end(self) -> list[bytes]:
        """The line that nothing finished, when there is one; nothing is held any more."""
        return [self._taken()] if self._pieces else []

    def _hold(self, piece: bytes) -> None:
        was_cut = self._full_bytes > self._held_bytes
        self._full_bytes += len(piece)
        if was_cut:
            return
        self._pieces.append(piece)
        self._held_bytes += len(piece)
        if self._held_bytes > MAX_LINE_BYTES:
            self._pieces = [b"".join(self._pieces)[: MAX_BODY_BYTES + 1]]
            self._held_bytes = len(self._pieces[0])

    def _taken(self) -> bytes:
        line = b"".join(self._pieces)
        if self._full_bytes > self._held_bytes:
            line = CutLine(line)
            line.full_bytes = self._full_bytes
        self._pieces, self._held_bytes, self._full_bytes = [], 0, 0
        return line
