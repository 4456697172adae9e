"""bridge.cli.config: `celery-bridge config`."""

import tomllib
from pathlib import Path

import pytest

from bridge.cli.main import main


def test_prints_toml_with_origins(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What holds, where it came from, and no secret."""
    monkeypatch.setenv("CELERY_BRIDGE_FROM", "prod=amqp://u:s3cret@h")

    assert main(["config", "--group", "g", "-X", "sasl.password=s3cret"]) == 0

    out = capfd.readouterr().out
    assert 'from = "prod=amqp://u:***@h"  # environment CELERY_BRIDGE_FROM' in out
    assert 'group = "g"  # flag --group' in out
    assert "s3cret" not in out
    assert tomllib.loads(out)["queue_type"] == "quorum"


def test_output_is_read_back(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """--config takes what it printed and prints the same values again."""
    main(["config", "--type", "task-*", "--max-unsettled-bytes", "1MiB"])
    first = capfd.readouterr().out
    path = tmp_path / "bridge.toml"
    path.write_text(first)

    assert main(["config", "--config", str(path)]) == 0
    assert tomllib.loads(capfd.readouterr().out) == tomllib.loads(first)


def test_problems_end_with_78(capfd: pytest.CaptureFixture[str]) -> None:
    """It checks what it shows."""
    assert main(["config", "--prefetch", "0"]) == 78

    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "celery-bridge: --prefetch: 0 is not from 1 to 65535\n")
