"""bridge/state/rows.py: what a file can hold of a state. That it answers as before is a law: tests/property."""

from typing import Any

import orjson
import pytest

from bridge.state import Worker, task_of, task_row, worker_of, worker_row
from bridge.state.worker import COUNTERS, SOFTWARE
from tests.unit.state.celery_answer import event, our_state, received, sent

HEARTBEAT = {"freq": 2.0, "active": 1, "processed": 9, "loadavg": [0.1, 0.2, 0.3], "sw_ver": "5.7.0"}


def row() -> dict[str, Any]:
    """Of a task that was sent and received, as a file gives it back."""
    task = our_state([sent(1.0), received(2.0)]).task("u1")
    assert task is not None
    made: dict[str, Any] = orjson.loads(orjson.dumps(task_row(task)))
    return made


def test_equal_texts_are_one() -> None:
    """100,000 tasks have few names, queues and workers, and most are their own root."""
    one, other = task_of(row()), task_of(row())

    for name in ("name", "queue", "routing_key", "client", "worker", "kwargs"):
        assert one.known[name] is other.known[name]
    assert one.known["root_id"] is one.uuid
    assert one.state is other.state


@pytest.mark.parametrize(
    "wrong",
    [
        {"uuid": ""},
        {"uuid": 7},
        {"state": None},
        {"timestamp": "1"},
        {"timestamp": True},
        {"over_at": []},
        {"complete": 1},
        {"seen": "cut"},
        {"seen": "0123456789" * 65},
        {"known": []},
        {"known": {"stranger": 1}},
        {"known": {"name": 7}},
        {"known": {"args": None}},
        {"known": {"runtime": "1"}},
    ],
    ids=str,
)
def test_what_is_no_task_is_refused(wrong: dict[str, Any]) -> None:
    """Nothing that another program wrote, or a broken disk, gets into the state."""
    with pytest.raises(ValueError, match="task"):
        task_of(row() | wrong)


@pytest.mark.parametrize("name", row().keys())
def test_no_field_of_a_task_may_be_missing(name: str) -> None:
    """A row of an older format is not half a task."""
    less = row()
    del less[name]
    with pytest.raises(ValueError, match=f"without {name}"):
        task_of(less)


WORKER = (*COUNTERS, *SOFTWARE, "freq", "heard_at", "heartbeat_at", "hostname", "online", "pid", "starts")


def test_a_worker_comes_back_whole() -> None:
    """With all that it said of itself and how many starts of its processes were seen."""
    state = our_state([event("worker-heartbeat", 1.0, **HEARTBEAT), event("task-started", 2.0), event("task-x", 3.0)])
    worker = state.workers["celery@w1"]
    again = worker_of(orjson.loads(orjson.dumps(worker_row(worker))))

    assert {name: getattr(again, name) for name in WORKER} == {name: getattr(worker, name) for name in WORKER}
    assert again.starts == {7: 1}


def test_a_worker_whose_integers_were_written_as_floats_comes_back_whole() -> None:
    """To JSON Schema 7.0 is an integer too."""
    said = {"pid": 7.0, "active": 1.0, "processed": 9.0, "starts": [[7.0, 2]]}
    again = worker_of(worker_row(Worker("celery@w1")) | said)

    assert (again.pid, again.active, again.processed, again.starts) == (7.0, 1.0, 9.0, {7.0: 2})


@pytest.mark.parametrize(
    "wrong",
    [{"hostname": 1}, {"online": None}, {"freq": "2"}, {"loadavg": 1}, {"sw_ver": 5}, {"starts": [[1]]}],
    ids=str,
)
def test_what_is_no_worker_is_refused(wrong: dict[str, Any]) -> None:
    """As for tasks."""
    with pytest.raises(ValueError, match=r"is a|are no pairs"):
        worker_of(worker_row(Worker("celery@w1")) | wrong)
