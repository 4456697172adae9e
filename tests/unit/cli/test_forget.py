"""`forget`: the question, and what is said when nobody can be asked."""

import sys
from typing import Any

import click
import pytest

from bridge.cli.forget import agreed
from bridge.cli.main import main
from bridge.errors import ConfigError


class Terminal:
    """A stdin where somebody sits."""

    def isatty(self) -> bool:
        return True


def test_without_a_terminal_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing is taken for a yes; the flag is named."""
    monkeypatch.setattr(sys, "stdin", open("/dev/null"))  # noqa: SIM115, PTH123
    with sys.stdin, pytest.raises(ConfigError, match="--yes"):
        agreed()


@pytest.mark.parametrize("answer", [True, False])
def test_on_a_terminal_it_asks(monkeypatch: pytest.MonkeyPatch, answer: bool) -> None:
    """On stderr: stdout is data."""
    asked: list[dict[str, Any]] = []

    def confirm(_: str, **options: Any) -> bool:
        asked.append(options)
        return answer

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(click, "confirm", confirm)
    assert agreed() is answer
    assert asked == [{"err": True}]


def test_where_nothing_can_be_left_nothing_is_looked_for(capfd: pytest.CaptureFixture[str]) -> None:
    """An exit code of a configuration error, and a line for each source."""
    assert main(["forget", "--from", "a=redis://h", "--from", "b=in.jsonl", "--yes"]) == 78
    err = capfd.readouterr().err
    assert "--from: cannot read in.jsonl" in err
    assert main(["forget", "--from", "a=redis://h", "--from", "b=memory://", "--yes"]) == 78
    assert capfd.readouterr().err.count("only on RabbitMQ is anything left behind") == 2
