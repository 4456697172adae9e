"""bridge.cli.validate: which events of a file violate their schema, and where."""

import io
import json
import sys
from pathlib import Path

import pytest

from bridge.cli.main import main
from tests.captures import FILES

VALID = {"type": "order-paid", "hostname": "h", "timestamp": 1.5, "pid": 1, "clock": 1, "utcoffset": 0, "uuid": "u"}


def checked(path: Path, capfd: pytest.CaptureFixture[str], *flags: str) -> tuple[int, list[str]]:
    code = main(["validate", str(path), *flags])
    return code, capfd.readouterr().out.splitlines()


def written(tmp_path: Path, *lines: object) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def test_valid_events_end_with_0(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Only the totals are printed."""
    assert checked(written(tmp_path, VALID, [VALID, VALID], []), capfd) == (0, ["3 events, 0 invalid, 0 not events"])


def test_an_empty_file_has_no_violation(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing is wrong with nothing."""
    assert checked(written(tmp_path), capfd) == (0, ["0 events, 0 invalid, 0 not events"])


def test_each_violation_is_a_line_with_its_place(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Line from 1, index in the list (0 for a single event), type, JSON pointer; several of one event count once."""
    path = written(tmp_path, VALID, {**VALID, "uuid": 5, "pid": "x"}, [VALID, {**VALID, "uuid": 5}])

    assert checked(path, capfd) == (
        1,
        [
            "2[0]: order-paid: /pid: not of type integer",
            "2[0]: order-paid: /uuid: not of type string or null",
            "3[1]: order-paid: /uuid: not of type string or null",
            "4 events, 2 invalid, 0 not events",
        ],
    )


def test_what_is_no_event_is_a_line_too(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """In the order of the file; a body that cannot be read at all has no index."""
    code, lines = checked(written(tmp_path, [{**VALID, "uuid": 5}, 5, VALID], "s3cret", ""), capfd)

    assert code == 1
    assert lines[0].startswith("1[0]: order-paid: /uuid: ")
    assert lines[1] == "1[1]: not an event: shape: not an object"
    assert lines[2].startswith("2: not an event: decode: ")
    assert lines[3:] == ["2 events, 1 invalid, 2 not events"]


def test_no_value_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Values may be secrets; a type may be anything, and stays on its line."""
    path = written(
        tmp_path, {**VALID, "uuid": ["s3cret"], "type": "a\nb\x1b[0m" + "c" * 999, "hostname": {"s3cret": 1}}
    )

    _, lines = checked(path, capfd)

    assert "s3cret" not in "".join(lines)
    assert all(line.isprintable() and len(line) < 400 for line in lines)


def test_own_schemas_count(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """--schemas adds what the user demands of a custom event."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "order-paid.json").write_text('{"type": "object", "required": ["amount"]}')
    path = written(tmp_path, VALID)

    assert checked(path, capfd, "--schemas", str(folder)) == (
        1,
        ["1[0]: order-paid: : amount is missing", "1 events, 1 invalid, 0 not events"],
    )


def test_stdin_is_read(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` stands for stdin."""
    with written(tmp_path, VALID).open() as file:
        monkeypatch.setattr(sys, "__stdin__", file)
        assert checked(Path("-"), capfd) == (0, ["1 events, 0 invalid, 0 not events"])


def test_missing_file_ends_with_78(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A file that cannot be opened is said at once, and nothing is printed."""
    assert main(["validate", str(tmp_path / "gone")]) == 78

    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"celery-bridge: cannot read {tmp_path}/gone: ")


def test_a_url_given_for_a_file_keeps_its_password(capfd: pytest.CaptureFixture[str]) -> None:
    """It is no file, and said without its secret."""
    assert main(["validate", "amqp://user:s3cret@rabbit"]) == 78
    assert capfd.readouterr().err == "celery-bridge: cannot read amqp://user:***@rabbit: No such file or directory\n"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_totals_cover_every_delivery_of_a_capture(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """On real events the lines printed agree with the totals."""
    code, lines = checked(path, capfd)

    events, invalid, not_events = (int(part.split()[0]) for part in lines[-1].split(", "))
    bad = {line.split("]: ")[0] for line in lines[:-1] if ": not an event: " not in line}
    assert len(bad) == invalid <= events
    assert sum(": not an event: " in line for line in lines) == not_events
    assert code == (1 if invalid or not_events else 0)


def test_output_is_utf8_whatever_the_locale(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stdout that Python thinks is ASCII takes every type."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))

    assert main(["validate", str(written(tmp_path, {**VALID, "type": "größe", "uuid": 5}))]) == 1
    assert raw.getvalue().startswith("1[0]: größe: /uuid: ".encode())
