"""bridge.cli.demo: the flags of `demo`; the demo itself is tested where it runs."""

import pytest

from bridge.cli.main import main


def test_bad_values_end_with_78_before_anything_starts(capfd: pytest.CaptureFixture[str]) -> None:
    """The demo's own options are checked like all others."""
    assert main(["demo", "--forever", "--format", "xml"]) == 78
    assert capfd.readouterr().err.startswith("celery-bridge: --format: 'xml' is none of")


@pytest.mark.parametrize("flag", ["--from", "--to", "--queue-type", "--create-topics"])
def test_demo_has_no_ends_of_the_users(flag: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Where it reads and writes is fixed."""
    assert main(["demo", flag, "x"]) == 2
    assert "No such option" in capfd.readouterr().err
