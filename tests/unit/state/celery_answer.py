"""What Celery's own State answers for the same events, to stand beside ours."""

from collections.abc import Iterable
from typing import Any

from celery.events.state import State

from bridge.clock import iso_ms
from bridge.state import ClusterState

Event = dict[str, Any]


def event(type_: str, at: float, hostname: str = "celery@w1", uuid: str = "u1", **fields: Any) -> Event:
    """One event with a plausible envelope; `at` is the sender's time."""
    return {
        "type": type_,
        "hostname": hostname,
        "uuid": uuid,
        "utcoffset": 0,
        "pid": 7,
        "clock": int(at),
        "timestamp": at,
        **fields,
    }


def sent(at: float, uuid: str = "u1", hostname: str = "gen9@c", **fields: Any) -> Event:
    """task-sent as a client sends it."""
    known = {
        "name": "app.add",
        "args": "(1,)",
        "kwargs": "{}",
        "root_id": uuid,
        "parent_id": None,
        "retries": 0,
        "eta": None,
        "expires": None,
        "queue": "celery",
        "exchange": "",
        "routing_key": "celery",
    }
    return event("task-sent", at, hostname, uuid, **{**known, **fields})


def received(at: float, uuid: str = "u1", hostname: str = "celery@w1", **fields: Any) -> Event:
    """task-received as a worker sends it."""
    known = {
        "name": "app.add",
        "args": "(1,)",
        "kwargs": "{}",
        "root_id": uuid,
        "parent_id": None,
        "retries": 0,
        "eta": None,
        "expires": None,
    }
    return event("task-received", at, hostname, uuid, **{**known, **fields})


def celery_state(events: Iterable[Event], received_at: float | None = None) -> State:
    """Celery's State after these events, each received when it was sent unless said otherwise."""
    state = State()
    for one in events:
        state.event({**one, "local_received": received_at or one["timestamp"]})
    return state


def our_state(events: Iterable[Event], received_at: float | None = None, **bounds: int) -> ClusterState:
    """Our state after the same events."""
    state = ClusterState(**bounds)
    for number, one in enumerate(events):
        fold(state, one, number, received_at)
    return state


def fold(state: ClusterState, one: Event, number: int, received_at: float | None = None) -> None:
    """Fold one event; `number` makes its id, so equal events with different numbers are different events."""
    group, _, subject = one["type"].partition("-")
    heard_at = received_at or one["timestamp"]
    if group == "worker":
        state.fold_worker(subject, one, heard_at)
    elif group == "task":
        state.fold_task(subject, one, identity(number), iso_ms(one["timestamp"]), heard_at)


def identity(number: int) -> str:
    """An event id as far as the state is concerned: different numbers, different ids."""
    return f"00000000-0000-7000-8000-{number:09x}000"


def answers(events: list[Event], uuid: str = "u1") -> tuple[str, str]:
    """(Celery's state of the task, ours)."""
    task = our_state(events).task(uuid)
    assert task is not None
    return celery_state(events).tasks[uuid].state, task.state
