"""bridge.config.toml: the effective configuration as a file that can be read back."""

import tomllib
from pathlib import Path

import pytest

from bridge.config import load
from bridge.config.toml import document, toml


def test_each_value_says_where_it_came_from() -> None:
    """The comment behind a value names its layer."""
    text = document(load("config", {"group": "g"}, {"CELERY_BRIDGE_LIMIT": "5"}))

    assert 'group = "g"  # flag --group\n' in text
    assert "limit = 5  # environment CELERY_BRIDGE_LIMIT\n" in text
    assert 'to = "stdout"  # default\n' in text
    assert "# duration is not set (default: no limit)\n" in text


def test_no_secret_is_printed() -> None:
    """Passwords of URLs and properties are masked."""
    text = document(
        load("config", {"sources": ["amqp://u:s3cret@h"], "kafka_properties": ["sasl.password=s3cret"]}, {})
    )

    assert 'from = "amqp://u:***@h"  # flag --from\n' in text
    assert "s3cret" not in text


def test_sources_with_settings_of_their_own_are_tables(tmp_path: Path) -> None:
    """A source that differs from what holds for all is written with what differs."""
    path = tmp_path / "bridge.toml"
    path.write_text('[from.prod]\nurl = "amqp://h"\ngroup = "g"\n[from.eu]\nurl = "redis://r"\n')

    text = document(load("config", {"config": str(path)}, {}))

    assert tomllib.loads(text)["from"] == {"prod": {"url": "amqp://h", "group": "g"}, "eu": {"url": "redis://r"}}


def test_a_file_name_cannot_break_out_of_its_comment(tmp_path: Path) -> None:
    """A newline in a path is escaped."""
    path = tmp_path / "a\nlimit = 5"
    path.write_text('group = "g"\n')

    assert tomllib.loads(document(load("config", {"config": str(path)}, {}))).get("limit") is None


@pytest.mark.parametrize(
    "value", ["", 'a"b\\c', "\x00\x1f\x7f\u2028", "ä😀", "a\nb\tc", True, 5, 1.5, 1e-07, ["a", "b"], {"a.b": "c"}]
)
def test_values_survive(value: object) -> None:
    """What is written is read as the same by Python's own TOML parser."""
    assert tomllib.loads(f"x = {toml(value)}")["x"] == value
