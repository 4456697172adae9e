"""What is known of a task survives the process that learned it: killed, stopped, over a file or out of the stream."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import aclosing, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bridge.sources.stream import StreamSource
from tests.e2e.bridge_process import BridgeProcess, StartBridge
from tests.ledger import publish
from tests.servers.rabbitmq import RabbitServer
from tests.servers.redis import RedisServer
from tests.unit.state.celery_answer import event, received

pytestmark = pytest.mark.servers("rabbitmq")

AT = 1_795_178_793.25

STARTS = 5
"""The stream is given two seconds at a start, which may be too few of them on a very busy machine."""


@pytest.fixture
def stream_group(rabbitmq: RabbitServer, group: str) -> Iterator[str]:
    """A group whose stream is deleted too."""
    yield group
    with suppress(OSError):
        rabbitmq.delete(f"celeryev.bridge.{group}.stream")


def records(process: BridgeProcess) -> list[dict[str, Any]]:
    """What it wrote to stdout, as whole lines."""
    return [json.loads(line) for line in process.stdout.splitlines(keepends=True) if line.endswith(b"\n")]


def begun(process: BridgeProcess, url: str) -> None:
    """Two tasks are received, and delivered."""
    process.wait_for("chain started")
    for uuid in ("u1", "u2"):
        publish(url, [json.dumps(received(AT, uuid, name=f"app.{uuid}", args="(1, 2)")).encode()])
    process.wait_until(lambda: len(records(process)) == 2, what="the records of two tasks")


def succeeded(process: BridgeProcess, url: str, uuid: str) -> dict[str, Any]:
    """The task ends; its record."""
    process.wait_for("chain started")
    publish(url, [json.dumps(event("task-succeeded", AT + 2, uuid=uuid, result="3", runtime=0.5)).encode()])
    ended: list[dict[str, Any]] = []

    def seen() -> bool:
        ended[:] = [one for one in records(process) if one["type"] == "task-succeeded" and one["uuid"] == uuid]
        return bool(ended)

    process.wait_until(seen, what=f"the end of {uuid}")
    return ended[0]


async def both_are_past(source: StreamSource) -> None:
    """Wait until the broker remembers that both tasks were delivered."""
    found = 0
    async with asyncio.timeout(45), source:
        while found < 2:
            async with aclosing(source.before(None, 10, 45)) as history:
                found = sum([len(deliveries) async for deliveries, _ in history])
            await asyncio.sleep(0.1)


def assert_known(record: dict[str, Any], uuid: str) -> None:
    assert (record["name"], record["args"]) == (f"app.{uuid}", "(1, 2)")
    assert "state_complete" not in record


def test_a_file_keeps_the_state_over_kill_9_and_stop(
    bridge: StartBridge, rabbitmq: RabbitServer, group: str, tmp_path: Path
) -> None:
    """
    Over a quorum queue: the end of a task that was received before the kill has its name and arguments, and so has that
    of one received before a clean stop after it.
    """
    folder = tmp_path / "state"
    folder.mkdir()
    ends = ("run", "--from", rabbitmq.url, "--group", group, "--state", str(folder), "--snapshot-every", "1")
    process = bridge(*ends)
    begun(process, rabbitmq.url)
    file = folder / f"celery.{group}.jsonl"
    process.wait_until(lambda: file.exists() and b'"u2"' in file.read_bytes(), what="the state in its file")
    process.kill()

    process = bridge(*ends)
    assert process.wait_for("state recalled")["tasks"] == 2
    assert_known(succeeded(process, rabbitmq.url, "u1"), "u1")
    process.terminate()
    assert process.ended() == 0

    process = bridge(*ends)
    assert_known(succeeded(process, rabbitmq.url, "u2"), "u2")
    process.terminate()
    assert process.ended() == 0
    assert process.alarms() == []
    assert [path.name for path in folder.iterdir()] == [file.name]


def test_a_stream_gives_the_state_back(bridge: StartBridge, rabbitmq: RabbitServer, stream_group: str) -> None:
    """After kill -9 what the stream holds before our place is read again, silently: no record of it is written."""
    url = f"{rabbitmq.url}?stream_port={rabbitmq.stream_port}"
    ends = ("run", "--from", url, "--group", stream_group, "--queue-type", "stream")
    process = bridge(*ends)
    begun(process, rabbitmq.url)
    asyncio.run(both_are_past(StreamSource(url, group=stream_group)))
    process.kill()

    for _ in range(STARTS):
        process = bridge(*ends)
        process.wait_for("chain started")
        if process.said("state recalled"):
            break
        process.kill()
    assert process.said("state recalled")[0]["tasks"] == 2
    assert_known(succeeded(process, rabbitmq.url, "u1"), "u1")
    process.terminate()
    assert process.ended() == 0
    assert [record["type"] for record in records(process)] == ["task-succeeded"]


def test_a_broken_state_file_stops_nobody(
    bridge: StartBridge, rabbitmq: RabbitServer, group: str, tmp_path: Path
) -> None:
    """It is said and replaced, and what it might have told is marked as missing."""
    file = tmp_path / f"celery.{group}.jsonl"
    file.write_text("{")
    process = bridge("run", "--from", rabbitmq.url, "--group", group, "--state", str(tmp_path))
    assert succeeded(process, rabbitmq.url, "u1")["state_complete"] is False
    process.terminate()
    assert process.ended() == 0
    assert [alarm["event"] for alarm in process.alarms()] == ["state file ignored"]
    assert b'"u1"' in file.read_bytes()


@pytest.mark.servers("redis")
def test_what_redis_did_not_keep_between_two_runs_is_a_gap(
    bridge: StartBridge, redis: RedisServer, tmp_path: Path
) -> None:
    """
    With `--state`: what is published while no bridge is there is lost, and lies inside the one gap that the next bridge
    begins with. The first one began with none.
    """
    folder = tmp_path / "state"
    folder.mkdir()
    ends = ("run", "--from", redis.url, "--state", str(folder))

    def published(process: BridgeProcess, uuid: str, *, records_before: int) -> None:
        publish(redis.url, [json.dumps(received(AT, uuid)).encode()])
        process.wait_until(lambda: len(records(process)) == records_before + 1, what=f"the record of {uuid}")

    process = bridge(*ends)
    process.wait_for("chain started")
    published(process, "u1", records_before=0)
    process.terminate()
    assert process.ended() == 0
    assert [record["type"] for record in records(process)] == ["task-received"]

    lost_at = time.time()
    publish(redis.url, [json.dumps(received(AT, "lost")).encode()])

    process = bridge(*ends)
    process.wait_until(lambda: len(records(process)) == 1, what="the gap")
    published(process, "u2", records_before=1)
    process.terminate()
    assert process.ended() == 0
    gap, record = records(process)
    assert (gap["type"], gap["reason"], record["uuid"]) == ("bridge-gap", "disconnected", "u2")
    begin, end = (datetime.fromisoformat(gap[name]).timestamp() for name in ("from_time", "to_time"))
    assert begin <= lost_at <= end
