"""Claims about the line that cells are put on."""

from bridge.formats.line import DIM, RED, Line


def test_line_puts_each_cell_at_its_column() -> None:
    """A cell with a size takes it whatever its text; one without takes its text and two blanks."""
    line = Line(40, 1, color=False)
    for text, size in (("ab", 4), ("", 3), ("日本", 5), ("x y", None), ("z", None)):
        line.put(text, size=size)

    assert line.encode().decode() == "ab       日本  x y  z"


def test_line_cuts_a_cell_to_its_size_and_the_last_to_the_width() -> None:
    """Nothing reaches into the next column, nothing over the edge."""
    line = Line(10, 1, color=False)
    line.put("abcdef", size=4)
    line.put("ghijklm")
    line.put("lost")

    assert line.encode().decode() == "abc… ghij…"
    assert line.room <= 0


def test_line_colours_texts_and_not_the_blanks_between() -> None:
    """Every colour ends where its text ends."""
    line = Line(20, 1, color=True)
    line.put("a", DIM, 3)
    line.put("b")
    line.put("c", RED)

    assert line.encode() == b"\x1b[2ma\x1b[0m   b  \x1b[31mc\x1b[0m"


def test_line_writes_no_blanks_at_its_end_and_nothing_for_no_text() -> None:
    """An empty cell leaves no colour, no blank."""
    line = Line(20, 1, color=True)
    line.put("a", size=5)
    line.put("", RED, 5)
    line.put("", RED)

    assert line.encode() == b"a"
