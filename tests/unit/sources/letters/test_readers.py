"""Dead letters out of a file; those of a topic are read in the integration tests."""

from pathlib import Path

import pytest

from bridge.errors import ConfigError, EndOfStream
from bridge.letters import Letter
from bridge.sources.letters import LetterReader, LineLetters, TopicLetters
from tests.running import run

LINE = '{"type": "bridge-dead-letter", "body_b64": "eA==", "reason": "decode"}\n'


async def all_of(reader: LetterReader) -> list[Letter]:
    """Read to the end."""
    found: list[Letter] = []
    async with reader:
        try:
            while True:
                found += await reader.read()
        except EndOfStream:
            return found


def test_dead_letters_are_found_among_records(tmp_path: Path) -> None:
    """Each is named by its line."""
    path = tmp_path / "out.jsonl"
    path.write_text('{"type": "task-sent"}\n' + LINE + "nonsense\n" + LINE)
    found = run(all_of(LineLetters(str(path))))
    assert [(letter.where, letter.delivery.body) for letter in found] == [("line 2", b"x"), ("line 4", b"x")]


def test_a_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    """Said at once."""
    with pytest.raises(ConfigError, match="cannot read"):
        run(all_of(LineLetters(str(tmp_path / "none"))))


def test_stopped_there_are_no_more(tmp_path: Path) -> None:
    """As of a source that is stopped."""
    path = tmp_path / "out.jsonl"
    path.write_text(LINE)

    async def check() -> None:
        async with LineLetters(str(path)) as reader:
            reader.stop()
            with pytest.raises(EndOfStream):
                await reader.read()

    run(check())


def test_wrong_properties_are_an_error() -> None:
    """Before anything connects."""
    with pytest.raises(ConfigError, match=r"request\.timeout\.ms"):
        TopicLetters(["h:1"], "t", {"request.timeout.ms": "soon"})
