"""bridge.cli.stdout: lines on stdout, and a reader that went away."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.cli.stdout import printing, write_line
from bridge.errors import OutputError


def test_lines_are_utf8(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Whatever the text holds comes out, one line each."""
    with printing():
        write_line("ä\u2028")
        write_line("\udcff")

    assert capfdbinary.readouterr().out == "ä\u2028\n\\udcff\n".encode()


def test_a_closed_stdout_is_an_output_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python has no stdout when it was closed at the start."""
    monkeypatch.setattr(sys, "stdout", None)

    with pytest.raises(OutputError, match="cannot write to stdout: it is closed"), printing():
        write_line("x")


def test_a_full_disk_is_an_output_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's reason is named, at the latest when the lines are flushed."""
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(OutputError, match="no space left on device"), printing():
            write_line("x")
        monkeypatch.undo()
        os.dup2(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), full.fileno())


def test_other_errors_pass() -> None:
    """Only a reader's going away is swallowed."""
    with pytest.raises(KeyError), printing():
        raise KeyError


def test_a_reader_that_went_away_is_an_ordinary_end() -> None:
    """A closed pipe ends the block quietly, and the interpreter's exit too."""
    program = (
        "from bridge.cli.stdout import printing, write_line\n"
        "with printing():\n"
        "    while True: write_line('x' * 1000)\n"
        "raise SystemExit(7)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    _, err = process.communicate(timeout=30)

    assert process.returncode == 7
    assert err == b""
