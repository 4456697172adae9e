"""bridge.cli.main: what an argument line becomes, and what an error becomes."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
import structlog

from bridge.cli.main import failed, main, say
from bridge.errors import ConfigError, ConnectError, CredentialsError, OutputError


@pytest.fixture(autouse=True)
def root_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def test_alone_shows_help(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a command the commands are listed on stdout, and nothing has failed."""
    assert main([]) == 0

    out = capsys.readouterr().out
    assert out.startswith("Usage: celery-bridge")
    for name in ("run", "dump", "replay", "demo", "validate", "schemas", "config"):
        assert f"\n  {name} " in out


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_ends_well(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Both help flags work, for the group and a command."""
    assert main([flag]) == 0
    assert main(["run", flag]) == 0
    assert "--queue-type" in capsys.readouterr().out


PRINTING = [[], ["--help"], ["--version"], ["run", "-h"], ["schemas", "--help"], ["schemas", "show", "--help"]]


@pytest.mark.parametrize("args", PRINTING, ids=" ".join)
def test_help_and_version_say_that_the_disk_is_full(args: list[str]) -> None:
    """What cannot be printed is one clear line and 74, no unexpected error."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-m", "bridge", *args], stdout=full, stderr=subprocess.PIPE, check=False)

    assert (done.returncode, done.stderr) == (74, b"celery-bridge: cannot write to stdout: no space left on device\n")


@pytest.mark.parametrize("args", PRINTING, ids=" ".join)
def test_help_and_version_are_quiet_for_a_reader_that_left(args: list[str]) -> None:
    """`--help | true` is an ordinary end."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-m", "bridge", *args], stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)

    assert (done.returncode, done.stderr) == (0, b"")


def test_version_names_what_a_report_needs(capsys: pytest.CaptureFixture[str]) -> None:
    """The versions of the bridge and of what it stands on."""
    assert main(["--version"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["celery-bridge", "python", "celery", "kombu", "aiokafka"]
    assert f"celery {version('celery')}" in lines


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (["rnu"], "No such command 'rnu'"),
        (["run", "--queue-typ", "x"], "'--queue-type'"),
        (["run", "--group"], "requires an argument"),
        (["replay"], "Missing argument 'FILE'"),
        (["validate", "a", "b"], "unexpected extra argument"),
    ],
)
def test_usage_errors_end_with_2(args: list[str], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown command or option and a missing argument are click's own."""
    assert main(args) == 2
    assert hint in capsys.readouterr().err


def test_bad_values_end_with_78_all_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Every problem is a line of its own on stderr, and stdout stays empty."""
    assert main(["run", "--queue-type", "quorm", "--limit", "x"]) == 78

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "celery-bridge: --queue-type: 'quorm' is none of quorum, stream, transient; did you mean quorum?",
        "celery-bridge: --limit: 'x' is no whole number",
    ]


@pytest.mark.parametrize(
    ("error", "code", "lines"),
    [
        (ConnectError("no broker"), 69, ["no broker"]),
        (OutputError("disk full"), 74, ["disk full"]),
        (ConfigError(["a", "b"]), 78, ["a", "b"]),
        (ConnectError(), 69, ["ConnectError"]),
        (ExceptionGroup("x", [ConnectError("a"), ExceptionGroup("y", [CredentialsError("b")])]), 77, ["a", "b"]),
    ],
)
def test_a_known_error_is_a_line_and_its_exit_code(
    error: Exception, code: int, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback for what the bridge itself raises, alone or in groups."""
    assert failed(error) == code
    assert capsys.readouterr().err.splitlines() == [f"celery-bridge: {line}" for line in lines]


def test_an_unexpected_error_is_logged_with_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """It ends with 1; the traceback goes to stderr, without local variables."""
    structlog.reset_defaults()

    assert failed(raised(RuntimeError("what is this"), password="".join(["s3", "cret"]))) == 1

    captured = capsys.readouterr()
    assert captured.out == ""
    assert "RuntimeError: what is this" in captured.err
    assert "stopped by an unexpected error" in captured.err
    assert "s3cret" not in captured.err


def raised(error: Exception, *, password: str) -> Exception:
    """The error with a traceback through a frame that holds a password."""
    try:
        raise error
    except Exception as caught:  # noqa: BLE001 - it is what the test is about
        return caught if password else error


def test_a_problem_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters of a path or a server's answer cannot make a second line or colour the terminal."""
    say("a\nb\x1b[31m\udcff")

    assert capsys.readouterr().err == "celery-bridge: a\\nb\\x1b[31m\\udcff\n"
