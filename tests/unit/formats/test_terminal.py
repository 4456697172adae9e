"""Claims about what is asked of a terminal."""

import fcntl
import os
import pty
import struct
import termios
from collections.abc import Iterator

import pytest

from bridge.formats.terminal import terminal_width, wants_color


@pytest.fixture
def terminal() -> Iterator[int]:
    """The terminal's side of a new pseudo-terminal."""
    ours, theirs = pty.openpty()
    yield theirs
    os.close(ours)
    os.close(theirs)


def resize(terminal: int, columns: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))


def test_width_is_the_terminals_after_every_resize(terminal: int) -> None:
    """COLUMNS, which a shell sets once, does not hide a resize."""
    for columns in (80, 132, 37):
        resize(terminal, columns)

        assert terminal_width(terminal, {"COLUMNS": "99"}) == columns


@pytest.mark.parametrize(
    ("columns", "width"), [("99", 99), ("", 200), ("0", 200), ("-5", 200), ("wide", 200), ("٣", 200), ("9" * 50, 200)]
)
def test_width_without_a_terminal_is_what_columns_says(columns: str, width: int) -> None:
    """Nonsense is not believed."""
    reading, writing = os.pipe()
    try:
        assert terminal_width(writing, {"COLUMNS": columns}) == width
    finally:
        os.close(reading)
        os.close(writing)


def test_width_of_a_terminal_that_does_not_know_it_is_what_columns_says(terminal: int) -> None:
    """Terminals of containers often say 0."""
    resize(terminal, 0)

    assert terminal_width(terminal, {}) == 200
    assert terminal_width(terminal, {"COLUMNS": "100"}) == 100


@pytest.mark.parametrize(
    ("environ", "tty", "wanted"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"NO_COLOR": "0"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, False, True),
        ({"FORCE_COLOR": "0"}, True, False),
        ({"FORCE_COLOR": ""}, False, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_colours_are_for_terminals_unless_the_user_says_otherwise(
    environ: dict[str, str], tty: bool, wanted: bool
) -> None:
    """NO_COLOR goes before FORCE_COLOR, and both before what the terminal is."""
    assert wants_color(environ, tty=tty) is wanted
