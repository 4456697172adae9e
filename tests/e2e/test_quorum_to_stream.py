"""docs/howto/quorum-to-stream.md, step by step, on a real RabbitMQ."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.bridge_process import BridgeProcess, StartBridge
from tests.e2e.traffic import Traffic
from tests.ledger import account_for
from tests.servers.rabbitmq import RabbitServer

pytestmark = pytest.mark.servers("rabbitmq")

EVENTS = 400  # a step


@pytest.fixture
def queues(rabbitmq: RabbitServer, group: str) -> Iterator[tuple[str, str]]:
    """The names of both; whatever is left of them goes with the test."""
    names = f"celeryev.bridge.{group}", f"celeryev.bridge.{group}.stream"
    yield names
    rabbitmq.delete(names[1])


def records(path: Path) -> list[dict[str, Any]]:
    """All that is in a file of records; none when it is not there yet."""
    whole = path.read_bytes().rpartition(b"\n")[0] if path.exists() else b""
    return [json.loads(line) for line in whole.splitlines()]


def test_moving_over_loses_nothing(
    bridge: StartBridge, rabbitmq: RabbitServer, group: str, queues: tuple[str, str], tmp_path: Path
) -> None:
    """With events coming in at every step: each is delivered by one bridge or the other, and twice with one id only."""
    quorum, stream = queues
    old_file, new_file = tmp_path / "old.jsonl", tmp_path / "new.jsonl"
    ends = ("--from", f"{rabbitmq.url}?stream_port={rabbitmq.stream_port}", "--group", group)

    def delivers(process: BridgeProcess, path: Path, numbers: set[int]) -> None:
        seen = f"{len(numbers)} events, of {min(numbers)} to {max(numbers)}, in {path.name}"
        process.wait_until(lambda: numbers <= {record["clock"] for record in records(path)}, what=seen)

    old = bridge("run", *ends, "--to", f"file:{old_file}")
    old.wait_for("chain started")
    with Traffic(rabbitmq.url) as traffic:
        traffic.add(EVENTS)
        traffic.wait()
        before = set(traffic.accepted)

        new = bridge("run", "--queue-type", "stream", *ends, "--to", f"file:{new_file}")
        new.wait_for("chain started")
        traffic.add(EVENTS)
        delivers(old, old_file, before)
        old.terminate()
        assert old.ended() == 0
        traffic.wait()

        traffic.add(EVENTS)
        traffic.wait()
        asked = bridge("forget", "--queue-type", "quorum", *ends)
        assert asked.ended() == 78
        assert "--yes" in asked.stderr
        assert quorum in rabbitmq.queues()
        forgotten = bridge("forget", "--queue-type", "quorum", *ends, "--yes")
        assert forgotten.ended() == 0, forgotten.stderr
        assert forgotten.stdout.startswith(f"quorum queue {quorum} on ".encode())

        traffic.add(EVENTS)
        traffic.wait()
        delivers(new, new_file, set(traffic.accepted) - before)
    new.terminate()
    assert new.ended() == 0
    left = rabbitmq.queues()
    assert quorum not in left
    assert stream in left
    account = account_for(traffic.accepted, records(old_file) + records(new_file))
    assert account.faults == {}
    assert len(traffic.accepted) == 4 * EVENTS
    assert new.summary()["gaps"] == 0
