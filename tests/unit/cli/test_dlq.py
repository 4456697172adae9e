"""`dlq`: dead letters shown and sent again, from a file."""

import json
from pathlib import Path

import pytest

from bridge.cli.dlq import printable
from bridge.cli.main import main

EVENT = {"type": "task-started", "hostname": "h", "timestamp": 1.5, "pid": 1, "clock": 1, "utcoffset": 0, "uuid": "u"}


@pytest.fixture
def dead(tmp_path: Path) -> str:
    """The output of a replay: a record, and two dead letters."""
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("\n".join(json.dumps(event) for event in (EVENT, {**EVENT, "uuid": 5}, [EVENT, 7])))
    assert main(["replay", str(source), "--to", f"file:{out}"]) == 0
    return str(out)


def test_show_says_why_where_and_how_often(dead: str, capfd: pytest.CaptureFixture[str]) -> None:
    """A line for each kind, and the sum."""
    capfd.readouterr()
    assert main(["dlq", "show", dead]) == 0
    head, *rows, total = capfd.readouterr().out.splitlines()
    assert head.split() == [
        "events",
        "letters",
        "cluster",
        "reason",
        "schema",
        "path",
        "first",
        "last",
        "example",
        "error",
    ]
    assert rows[0].split()[:6] == ["1", "1", "celery", "schema", "task-started.json", "/uuid"]
    assert rows[1].split()[:6] == ["1", "1", "celery", "shape", "-", "-"]
    assert total == "2 events in 2 dead letters"


def test_show_prints_json_when_asked_to(dead: str, capfd: pytest.CaptureFixture[str]) -> None:
    """One object a group."""
    capfd.readouterr()
    assert main(["dlq", "show", dead, "--json"]) == 0
    first, second = map(json.loads, capfd.readouterr().out.splitlines())
    assert (first["reason"], first["events"], first["examples"]) == ("schema", 1, ["line 2"])
    assert "path" not in second


def test_nothing_to_show_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """An empty file is no error."""
    (tmp_path / "empty").touch()
    assert main(["dlq", "show", str(tmp_path / "empty")]) == 0
    assert capfd.readouterr().out == "no dead letters\n"


def test_replay_sends_what_failed(
    dead: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing went through with the same schemas; the good event of the list is not sent again. It exits 0."""
    capfd.readouterr()
    assert main(["dlq", "replay", dead, "--log-format", "json"]) == 0
    out, err = capfd.readouterr()
    said = json.loads(err.splitlines()[-1])
    assert out == ""
    assert (said["letters"], said["events"], said["went_through"], said["failed_again"]) == (2, 2, 0, 2)


def test_every_problem_is_told_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    """Of the place and of the options."""
    assert main(["dlq", "replay", "redis://u:s3cret@h", "--to", "nowhere"]) == 78
    err = capfd.readouterr().err
    assert "FROM: 'redis://u:***@h' is neither a file nor kafka://host:port/topic" in err
    assert "--to: 'nowhere'" in err


def test_what_is_read_is_not_written_to(dead: str, capfd: pytest.CaptureFixture[str]) -> None:
    """It would mix letters and records."""
    assert main(["dlq", "replay", dead, "--to", f"file:{dead}"]) == 78
    assert "--to: the dead letters are read from there" in capfd.readouterr().err


def test_letters_are_shown_printable() -> None:
    """Whoever writes to the topic does not write to the terminal."""
    assert printable("a\x1b[31m\n\u202e") == "a\\x1b[31m\\n\\u202e"
