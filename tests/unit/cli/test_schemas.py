"""bridge.cli.schemas: the schemas in force, to read or to take away."""

import json
from pathlib import Path

import pytest

from bridge.cli.main import main


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "order-paid.json").write_text('{"type": "object", "required": ["amount"]}')
    return folder


def test_lists_every_schema(own: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """One name per line, sorted, the user's own among them."""
    assert main(["schemas", "list", "--schemas", str(own)]) == 0

    names = capfd.readouterr().out.splitlines()
    assert names == sorted(names)
    assert {"task-sent", "worker-heartbeat", "event", "record", "order-paid"} <= set(names)


def test_schemas_come_from_the_environment_too(
    own: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The option has its names here as everywhere."""
    monkeypatch.setenv("CELERY_BRIDGE_SCHEMAS", str(own))

    assert main(["schemas", "show", "order-paid"]) == 0
    assert json.loads(capfd.readouterr().out) == {"type": "object", "required": ["amount"]}


def test_unknown_type_is_a_bad_value(capfd: pytest.CaptureFixture[str]) -> None:
    """The nearest name is offered."""
    assert main(["schemas", "show", "task-snet"]) == 78
    assert capfd.readouterr().err == (
        "celery-bridge: TYPE: 'task-snet' has no schema of its own; did you mean task-sent?\n"
    )


def test_export_writes_what_show_prints(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Every schema becomes a file of its name, in a folder made when missing; a second time changes nothing."""
    folder = tmp_path / "a" / "b"

    assert main(["schemas", "export", str(folder)]) == 0
    assert main(["schemas", "export", str(folder)]) == 0

    main(["schemas", "list"])
    assert {path.stem for path in folder.iterdir()} == set(capfd.readouterr().out.splitlines())
    main(["schemas", "show", "task-sent"])
    assert (folder / "task-sent.json").read_text().rstrip() == capfd.readouterr().out.rstrip()


def test_export_keeps_what_differs(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A file that somebody changed is not overwritten unless asked for, and then nothing is written at all."""
    (tmp_path / "task-sent.json").write_text("mine")

    assert main(["schemas", "export", str(tmp_path)]) == 78
    assert [path.name for path in tmp_path.iterdir()] == ["task-sent.json"]
    assert (tmp_path / "task-sent.json").read_text() == "mine"
    assert f"{tmp_path}/task-sent.json is there and differs" in capfd.readouterr().err
    assert main(["schemas", "export", str(tmp_path), "--force"]) == 0
    assert json.loads((tmp_path / "task-sent.json").read_text())


def test_export_to_a_file_is_a_bad_value(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The system's reason is named."""
    (tmp_path / "x").touch()

    assert main(["schemas", "export", str(tmp_path / "x")]) == 78
    assert "cannot write to" in capfd.readouterr().err
