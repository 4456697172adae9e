"""Dead letters that are read back."""

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.config import Config, SinkEnd
from bridge.encode import LineEncoder
from bridge.model import Delivery, Failure
from bridge.service.letters import grouped, reader_of, replay
from bridge.sources.letters import LineLetters, TopicLetters
from tests.records import assert_record
from tests.running import run
from tests.unit.making import RECEIVED_AT, native, started

GOOD, BAD = started(uuid="fixed"), {**started(), "uuid": 5}


def letters(path: Path, *deliveries: tuple[Any, list[int]], cluster: str = "prod") -> SinkEnd:
    """A file of dead letters: bodies, and which of their events failed."""
    encoder = LineEncoder(native(), cluster=cluster)
    with path.open("ab") as file:
        for body, indexes in deliveries:
            failures = [
                Failure("schema", "not of type string", index, "/uuid", "task-started.json") for index in indexes
            ]
            delivery = Delivery(json.dumps(body).encode(), received_at=RECEIVED_AT)
            file.write(encoder.dead_letter(delivery, failures, RECEIVED_AT).value + b"\n")
    return SinkEnd(kind="file", path=str(path))


def test_readers_go_by_the_place() -> None:
    """A topic, or lines."""
    assert isinstance(reader_of(SinkEnd(kind="kafka", servers=("h:1",), topic="t"), Config()), TopicLetters)
    assert isinstance(reader_of(SinkEnd(kind="file", path="-"), Config()), LineLetters)


def test_letters_are_counted_by_what_is_wrong(tmp_path: Path) -> None:
    """In events, over the whole file."""
    end = letters(tmp_path / "in", ([GOOD, BAD], [1]), ([BAD, BAD], [0, 1]))
    (group,) = run(grouped(end, Config())).most_first()
    assert (group.events, group.letters, group.path) == (3, 2, "/uuid")


def test_exactly_what_failed_is_sent_again(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """
    Under its cluster's label and with the time it was first read; what fails again is written nowhere and counted.
    """
    end = letters(tmp_path / "in", ([started(uuid="was good"), GOOD, BAD], [1, 2]), (GOOD, [0]))
    end = letters(tmp_path / "in", (GOOD, [0]), cluster="eu")
    out = tmp_path / "out"
    code = run(replay(end, Config(command="dlq replay", to=SinkEnd(kind="file", path=str(out)))))

    records = [assert_record(line) for line in out.read_bytes().splitlines(keepends=True)]
    assert code == 0
    assert [(record["uuid"], record["cluster"]) for record in records] == [
        ("fixed", "prod"), ("fixed", "prod"), ("fixed", "eu"),
    ]  # fmt: skip
    assert len({record["event_id"] for record in records}) == 1
    assert {record["observed_time"] for record in records} == {"2026-11-20T12:46:40.500Z"}
    said = capfd.readouterr().err
    assert "went_through=3" in said
    assert "failed_again=1" in said
    assert "letters=3" in said
