"""ClusterState answers as celery.events.State does, on any trace but where a named case says otherwise."""

from collections import defaultdict
from typing import Any

import orjson
import pytest
from celery.events.state import State
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model import TOLD
from bridge.state import ClusterState, task_of, task_row, worker_of, worker_row
from bridge.state.task import BITS, SENT_FIELDS
from tests.captures import FILES, events
from tests.unit.state.celery_answer import Event, event, fold, received, sent

ENDS = ("task-revoked", "task-rejected", "task-failed", "task-succeeded", "task-cancelled")
BUILT_IN = frozenset({"task-sent", "task-received", "task-started", "task-retried", *ENDS})
EXTRA: dict[str, dict[str, Any]] = {
    "task-succeeded": {"result": "1", "runtime": 0.5},
    "task-failed": {"exception": "E()", "traceback": "t"},
    "task-retried": {"exception": "E()", "traceback": "t"},
    "task-rejected": {"requeue": False},
    "task-revoked": {"terminated": False, "signum": None, "expired": False},
}

types = st.sampled_from([*sorted(BUILT_IN), "task-progress"])
times = st.integers(1, 20).map(float)


@st.composite
def traces(draw: st.DrawFn) -> list[Event]:
    """1..30 events of up to 3 tasks, by 2 workers and a client, in any order and at any time."""
    trace = []
    for number in range(draw(st.integers(1, 30))):
        type_, at, uuid = draw(types), draw(times), draw(st.sampled_from(["u1", "u2", "u3"]))
        hostname = draw(st.sampled_from(["celery@w1", "celery@w2"]))
        fields = {"name": draw(st.sampled_from(["app.add", "app.mul"])), "retries": draw(st.integers(0, 2))}
        if type_ == "task-sent":
            one = sent(at, uuid, **fields)
        elif type_ == "task-received":
            one = received(at, uuid, hostname, **fields)
        else:
            one = event(type_, at, hostname, uuid, **EXTRA.get(type_, {}))
        trace.append({**one, "clock": number + 1})
    return trace


def named_cases(trace: list[Event]) -> set[int]:
    """Which of the named differences the events of one task may show."""
    kinds = {one["type"] for one in trace}
    cases = set()
    if "task-rejected" in kinds and kinds & {"task-received", "task-started"}:
        cases.add(1)
    if kinds - BUILT_IN | (kinds & {"task-cancelled"}) and kinds & set(ENDS[:2]):
        cases.add(2)
    ended_at = min((one["timestamp"] for one in trace if one["type"] in ENDS), default=None)
    later = {one["type"] for one in trace if ended_at is not None and one["timestamp"] > ended_at}
    if {"task-received", "task-started"} <= later:
        cases.add(3)
    return cases


def assert_same(trace: list[Event]) -> float:
    """Both states, fed the trace, agree on every task that shows none of the named cases; the share of such tasks."""
    theirs, ours, told, compared = State(), ClusterState(), defaultdict(list), 0
    for number, one in enumerate(trace):
        told[one.get("uuid")].append(one)
        theirs.event({**one, "local_received": one["timestamp"]})
        fold(ours, one, number)
    for uuid, celerys in theirs.tasks.items():
        task = ours.task(uuid)
        assert task is not None
        for name in SENT_FIELDS:
            assert task.known.get(name) == getattr(celerys, name, None), name
        if not named_cases(told[uuid]):
            compared += 1
            assert task.state == celerys.state, told[uuid]
        if celerys.worker is not None and {one["type"] for one in told[uuid]} <= BUILT_IN:  # case 5: any client may
            assert task.known["worker"] == celerys.worker.hostname
    assert set(ours.workers) <= set(theirs.workers)
    return compared / len(theirs.tasks)


@settings(max_examples=500)
@given(traces())
def test_any_trace_has_celerys_answer(trace: list[Event]) -> None:
    """States and merged fields are Celery's, whatever comes in whatever order; named cases are excepted."""
    assert_same(trace)


@settings(max_examples=200)
@given(traces(), st.data())
def test_redelivery_changes_nothing(trace: list[Event], data: st.DataObject) -> None:
    """Events that come twice leave the state as it was, wherever the second one comes."""
    once, twice = ClusterState(), ClusterState()
    for number, one in enumerate(trace):
        fold(once, one, number)
        fold(twice, one, number)
        again = data.draw(st.integers(0, number))
        fold(twice, trace[again], again)
    for uuid in ("u1", "u2", "u3"):
        first, second = once.task(uuid), twice.task(uuid)
        assert (first and (first.state, first.known)) == (second and (second.state, second.known))


@settings(max_examples=300)
@given(traces())
def test_shape_tells_the_names(trace: list[Event]) -> None:
    """A bit for each name that is known, after any event; and that an event was told is said of that event only."""
    state = ClusterState()
    for number, one in enumerate(trace):
        fold(state, one, number)
        task = state.task(one["uuid"])
        assert task is not None
        assert {name for name, bit in BITS.items() if task.shape & bit} == set(task.known)
        if task.shape & TOLD:
            assert one["type"] in ("task-sent", "task-received")
            said = {name: one[name] for name in SENT_FIELDS if one.get(name) is not None}
            assert {name: task.known.get(name) for name in SENT_FIELDS if name in one} == {
                name: said.get(name) for name in SENT_FIELDS if name in one
            }


def written_and_read(state: ClusterState) -> ClusterState:
    """What a file makes of it."""
    again = ClusterState(max_tasks=state.max_tasks)
    again.restore(
        [task_of(orjson.loads(orjson.dumps(task_row(task)))) for task in state.tasks()],
        [worker_of(orjson.loads(orjson.dumps(worker_row(worker)))) for worker in state.workers.values()],
    )
    return again


def all_of(state: ClusterState) -> list[Any]:
    """Everything that it will ever answer from, in the order in which it forgets."""
    return [
        [(task_row(task), task.shape & ~TOLD, list(task.known)) for task in state.tasks()],
        [worker_row(worker) for worker in state.workers.values()],
    ]


@settings(max_examples=200)
@given(traces(), st.data())
def test_a_state_written_and_read_answers_as_before(trace: list[Event], data: st.DataObject) -> None:
    """Whatever comes after it, redeliveries too, and whatever it forgets: nobody can tell it from the other."""
    state = ClusterState(max_tasks=data.draw(st.integers(1, 4)))
    cut = data.draw(st.integers(0, len(trace)))
    for number, one in enumerate(trace[:cut]):
        fold(state, one, number)
    again = written_and_read(state)
    assert all_of(again) == all_of(state)
    for number in data.draw(st.lists(st.integers(0, len(trace) - 1), max_size=40)):
        fold(state, trace[number], number)
        fold(again, trace[number], number)
    assert all_of(again) == all_of(state)


@settings(max_examples=200)
@given(traces(), st.integers(0, 3))
def test_state_is_never_larger_than_asked(trace: list[Event], max_tasks: int) -> None:
    """max_tasks is a bound at every moment, and what left is counted."""
    state = ClusterState(max_tasks=max_tasks)
    for number, one in enumerate(trace):
        fold(state, one, number)
        assert len(state) <= max_tasks
    assert state.evicted >= len({one["uuid"] for one in trace}) - max_tasks


@settings(max_examples=200)
@given(traces())
def test_durations_are_never_negative(trace: list[Event]) -> None:
    """Two clocks may disagree: what would be negative is left out."""
    state = ClusterState()
    for number, one in enumerate(trace):
        fold(state, one, number)
        task = state.task(one["uuid"])
        assert task is not None
        for name in ("queue_seconds", "prefetch_seconds", "total_seconds", "runtime"):
            assert task.known.get(name, 0) >= 0


@pytest.mark.parametrize("path", [path for path in FILES if "large" not in path.stem], ids=lambda path: path.stem)
def test_captured_traces_have_celerys_answer(path: Any) -> None:
    """The same over what real workers sent; events that Celery's own State cannot take are left out."""
    trace = [
        one.fields
        for one in events(path)
        if one.type in BUILT_IN
        and isinstance(one.fields.get("uuid"), str)
        and isinstance(one.fields.get("timestamp"), float)
    ]

    assert len(trace) > 50
    assert assert_same(trace) > 0.9
