"""What somebody sees who tries the bridge for the first time: the installed command, in a shell full of settings."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

INSTALLED = shutil.which("celery-bridge", path=str(Path(sys.executable).parent))
COMMAND = [INSTALLED] if INSTALLED else [sys.executable, "-m", "bridge"]

# Nobody listens on port 1: a demo that believed these would wait for ever.
ELSEWHERE = {
    "CELERY_BROKER_URL": "amqp://127.0.0.1:1//",
    "CELERY_BROKER_READ_URL": "amqp://127.0.0.1:1//",
    "CELERY_BROKER_WRITE_URL": "amqp://127.0.0.1:1//",
    "CELERY_RESULT_BACKEND": "redis://127.0.0.1:1/0",
    "CELERY_LOADER": "nowhere.to.be:Found",
    "DJANGO_SETTINGS_MODULE": "nowhere.to.be.found",
}

DEADLINE_SECONDS = 20

KINDS = {
    "task-sent", "task-received", "task-started", "task-succeeded", "task-failed", "task-retried", "task-revoked",
    "worker-online", "worker-heartbeat", "worker-offline", "order-paid",
}  # fmt: skip


@dataclass
class Demo:
    """One finished demo."""

    code: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stdout.splitlines()]

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [record for record in self.records if record["type"] == kind]


@pytest.fixture(scope="module")
def demo() -> Demo:
    """`celery-bridge demo`, run once for all claims."""
    start = time.monotonic()
    done = subprocess.run(
        [*COMMAND, "demo"], env=os.environ | ELSEWHERE, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=2 * DEADLINE_SECONDS,
    )  # fmt: skip
    return Demo(done.returncode, done.stdout, done.stderr, time.monotonic() - start)


def test_ends_by_itself_in_time(demo: Demo) -> None:
    """It exits 0 in under 20 s, whatever servers the environment names."""
    assert demo.code == 0, demo.stderr
    assert demo.seconds < DEADLINE_SECONDS


def test_stdout_is_one_json_object_a_line(demo: Demo) -> None:
    """Nothing but records is on stdout, and none is cut."""
    assert demo.stdout.endswith("}\n")
    assert {type(record) for record in demo.records} == {dict}


def test_every_kind_of_event_appears(demo: Demo) -> None:
    """All task and worker events that a cluster sends in a normal hour, and one of the shop's own."""
    assert {record["type"] for record in demo.records} == KINDS


def test_nothing_is_lost_or_repeated(demo: Demo) -> None:
    """Each order is told in 20 events, each once, and the worker's last words are the last line."""
    orders = len(demo.of_type("order-paid"))
    worker_events = [record for record in demo.records if record["type"].startswith("worker-")]
    assert orders == 3
    assert len(demo.records) == 20 * orders + len(worker_events)
    assert max(Counter(record["event_id"] for record in demo.records).values()) == 1
    assert demo.records[-1]["type"] == "worker-offline"


def test_every_task_ends(demo: Demo) -> None:
    """Of each order two tasks succeed (one of them at the second attempt), one fails, one is revoked."""
    tasks = defaultdict(list)
    for record in demo.records:
        if "uuid" in record:
            tasks[record["uuid"]].append(record["state"])
    assert Counter(states[-1] for states in tasks.values()) == {"SUCCESS": 6, "FAILURE": 3, "REVOKED": 3}
    assert sum("RETRY" in states for states in tasks.values()) == 3


@pytest.mark.parametrize(
    ("kind", "state", "durations"),
    [
        ("task-succeeded", "SUCCESS", {"queue_seconds", "prefetch_seconds", "runtime", "total_seconds"}),
        ("task-failed", "FAILURE", {"queue_seconds", "prefetch_seconds", "runtime", "total_seconds"}),
        ("task-revoked", "REVOKED", {"queue_seconds", "total_seconds"}),
    ],
)
def test_end_events_know_their_task(demo: Demo, kind: str, state: str, durations: set[str]) -> None:
    """What Celery leaves out of an end event is there: name, args, state, and how long each step took."""
    ends = demo.of_type(kind)
    assert ends
    for record in ends:
        assert record["name"].startswith("shop.")
        assert record["args"].startswith("(")
        assert record["state"] == state
        assert durations <= record.keys()
        assert all(record[name] >= 0 for name in durations)
        assert {"name", "args"} <= set(record["enriched"])


def test_a_retried_task_counts_from_its_first_sending(demo: Demo) -> None:
    """total_seconds of a charge holds the attempt that failed and the 0.3 s until the next."""
    charges = [record for record in demo.of_type("task-succeeded") if record["name"] == "shop.charge_card"]
    assert len(charges) == 3
    assert all(record["total_seconds"] > 0.3 + record["runtime"] for record in charges)


def test_stderr_is_a_summary_and_no_alarm(demo: Demo) -> None:
    """The summary accounts for every event; the tasks that fail on purpose raise no alarm."""
    lines = [json.loads(line) for line in demo.stderr.splitlines()]
    summaries = [line for line in lines if line["event"] == "summary"]
    assert len(summaries) == 1
    assert summaries[0]["received"] == summaries[0]["delivered"] == len(demo.records)
    assert summaries[0]["unsettled"] == 0
    assert {line["level"] for line in lines} == {"info"}


def test_a_reader_that_leaves_ends_it_quietly() -> None:
    """`celery-bridge demo | head -1` exits 0 without a word about pipes."""
    with subprocess.Popen(
        [*COMMAND, "demo"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["type"] == "worker-online"
        process.stdout.close()
        assert process.wait(DEADLINE_SECONDS) == 0
        assert {json.loads(line)["level"] for line in process.stderr} == {"info"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_forever_is_until_a_signal(number: signal.Signals) -> None:
    """`--forever` outlives the three orders; a signal lets every task end and the worker say goodbye, then exits 0."""
    with subprocess.Popen(
        [*COMMAND, "demo", "--forever"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        paid, states = 0, {}
        for line in process.stdout:
            record = json.loads(line)
            paid += record["type"] == "order-paid"
            if "uuid" in record:
                states[record["uuid"]] = record["state"]
            if paid == 4:
                process.send_signal(number)
                paid += 1  # once
        assert process.wait(DEADLINE_SECONDS) == 0
    assert record["type"] == "worker-offline"
    assert set(states.values()) == {"SUCCESS", "FAILURE", "REVOKED"}
