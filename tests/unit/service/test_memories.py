"""bridge/service/memories.py: which chain has which memory."""

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.clock import SystemClock
from bridge.config import Config, SourceEnd, Url
from bridge.service.build import build
from bridge.warm import Absence
from tests.running import run
from tests.unit.making import delivery, received


def chain(**given: Any) -> Any:
    """Of one source at a RabbitMQ; nothing is connected."""
    ours = {"queue_type": "quorum", "label": "prod", "group": "g"}
    url = Url(given.pop("url", "amqp://rabbit"))
    end = SourceEnd(url=url, **{name: given.pop(name, value) for name, value in ours.items()})
    (made,) = build(Config(sources=(end,), **given), SystemClock())
    return made


def test_without_a_folder_a_queue_has_none() -> None:
    """Nothing is kept, and nothing is there to be read again."""
    assert chain()._memory is None


def test_each_chain_has_a_file_of_its_own(tmp_path: Path) -> None:
    """Named after label and group."""
    memory = chain(state=tmp_path)._memory
    assert memory._file._path == tmp_path / "prod.g.jsonl"
    assert memory._replay is None


@pytest.mark.parametrize(
    ("url", "queue_type", "tells"),
    [
        ("redis://r", "quorum", True),
        ("redis+socket:///run/r.sock", "quorum", True),
        ("sentinel://s/0?master_name=m", "quorum", True),
        ("kombu+rediss://r", "quorum", True),
        ("amqp://rabbit", "transient", True),
        ("amqp://rabbit", "quorum", False),
        ("amqp://rabbit", "stream", False),
    ],
)
def test_what_a_forgetful_broker_lost_between_two_runs_is_told(
    tmp_path: Path, url: str, queue_type: str, tells: bool
) -> None:
    """Where there is a file to know from since when; the others keep it for us."""
    made = chain(url=url, queue_type=queue_type, state=tmp_path)
    assert isinstance(made._source, Absence) is tells
    if tells:
        assert made._source._file is made._memory._file
    assert not isinstance(chain(url=url, queue_type=queue_type)._source, Absence)


def test_a_stream_is_replayed() -> None:
    """With a folder or without."""
    memory = chain(queue_type="stream")._memory
    assert memory._file is None
    assert memory._replay is not None


def test_a_capture_knows_nothing(tmp_path: Path) -> None:
    """It looks into no event."""
    assert chain(format="capture", state=tmp_path, queue_type="stream")._memory is None


def test_what_is_replayed_is_folded_as_it_was_and_encoded_never() -> None:
    """Names are learned, of an invalid event where it was before; no record comes of it."""
    for on_invalid in ("dead-letter", "tag", "drop", "fail"):
        silent = chain(queue_type="stream", on_invalid=on_invalid)._memory._replay._silent
        invalid = {**received(1795178793.25, "u2"), "pid": "x"}
        bodies = [delivery(received(1795178793.25, "u1")), delivery(invalid), delivery([])]
        out = silent.transform(bodies)
        assert (out.records, out.taken) == ([], 3), on_invalid
        assert silent.state.task("u1").known["name"] == "app.add"
        assert (silent.state.task("u2") is not None) is (on_invalid == "tag")


def test_the_file_holds_what_was_received(tmp_path: Path) -> None:
    """Through the whole of what is built."""

    async def scenario() -> None:
        made = chain(state=tmp_path)
        async with made._memory.keeping(made.pipeline):
            made.counters.took(made.pipeline.transform([delivery(received(1795178793.25, "u1"))]).tally, 1, 0)

    run(scenario())
    lines = [json.loads(line) for line in (tmp_path / "prod.g.jsonl").read_text().splitlines()]
    assert [next(iter(line)) for line in lines] == ["format", "worker", "task", "lines"]
