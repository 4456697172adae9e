"""Tests of bridge.sources.lines.splitter."""

from bridge.decode import MAX_BODY_BYTES
from bridge.sources.lines.splitter import MAX_LINE_BYTES, CutLine, Splitter

MIB = 1024 * 1024


def test_lines_are_whole_however_the_chunks_fall() -> None:
    """A line cut by the end of a chunk is handed out when its newline comes."""
    splitter = Splitter()

    assert splitter.feed(b"a\nb") == [b"a"]
    assert splitter.feed(b"c") == []
    assert splitter.feed(b"d\n\ne\n") == [b"bcd", b"", b"e"]
    assert splitter.end() == []


def test_end_hands_out_the_line_that_nothing_finished() -> None:
    """What is left without a newline is a line, once."""
    splitter = Splitter()
    splitter.feed(b"a\nrest")

    assert splitter.end() == [b"rest"]
    assert splitter.end() == []


def test_line_of_the_limit_is_whole() -> None:
    """MAX_LINE_BYTES are taken."""
    splitter = Splitter()
    for _ in range(MAX_LINE_BYTES // MIB):
        splitter.feed(b"x" * MIB)

    (line,) = splitter.feed(b"\n")
    assert type(line) is bytes
    assert len(line) == MAX_LINE_BYTES


def test_line_above_the_limit_is_cut_to_just_too_large_for_decode() -> None:
    """One byte more and it is a CutLine that knows how long it was; the next line is whole again."""
    splitter = Splitter()
    splitter.feed(b"head")
    for _ in range(MAX_LINE_BYTES // MIB + 3):
        splitter.feed(b"x" * MIB)

    cut, following = splitter.feed(b"tail\nnext\n")
    assert isinstance(cut, CutLine)
    assert cut.full_bytes == len(b"head") + MAX_LINE_BYTES + 3 * MIB + len(b"tail")
    assert cut == b"head" + b"x" * (MAX_BODY_BYTES + 1 - 4)
    assert following == b"next"
    assert type(following) is bytes


def test_endless_line_stays_bounded_in_memory() -> None:
    """However much comes without a newline, no more than the limit and a chunk is held."""
    splitter = Splitter()
    chunk = b"x" * MIB
    for _ in range(4 * MAX_LINE_BYTES // MIB):
        splitter.feed(chunk)
        assert sum(map(len, splitter._pieces)) <= MAX_LINE_BYTES + MIB

    (cut,) = splitter.end()
    assert isinstance(cut, CutLine)
    assert cut.full_bytes == 4 * MAX_LINE_BYTES
