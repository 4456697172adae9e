"""Claims about counting instructions."""

import pytest

from tests.bench.instructions import main


def test_without_valgrind_nothing_is_counted_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is no dependency of ours."""
    monkeypatch.setenv("PATH", "")
    assert main() == 1
    assert "valgrind is not installed" in capsys.readouterr().err
