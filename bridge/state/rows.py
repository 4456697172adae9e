"""Tasks and workers as JSON objects, and back: what a file or another process can hold of a state. Pure; no I/O."""

from collections.abc import Mapping
from math import isnan
from operator import itemgetter
from typing import Any

from bridge.state.task import BITS, CLOSING, DURATIONS, NO_KWARGS, SIGNATURE_LENGTH, SIGNATURES_LENGTH, UNKNOWN, Task
from bridge.state.texts import share
from bridge.state.worker import COUNTERS, PROCESSES, SOFTWARE, Worker

Row = dict[str, Any]

_NUMBER = (float, int)
_MAYBE_NUMBER = (float, int, type(None))
_MAYBE_TEXT = (str, type(None))
_ANY = (str, float, int, bool, list, dict)

_TEXTS = frozenset(
    ("name", "queue", "routing_key", "client", "worker", "sent_time", "received_time", "started_time", "root_id")
)
_KNOWN = {
    name: (bit, (str,) if name in _TEXTS else _NUMBER if name in DURATIONS else _ANY) for name, bit in BITS.items()
}
"""Name -> its bit, and the types that its value may have."""

_SHARED = ("name", "queue", "routing_key", "client", "worker")
"""Equal strings are one, as in `Task._merge`: 100,000 tasks have few names, queues and workers."""

_TASK: Mapping[str, tuple[type, ...]] = {
    "uuid": (str,),
    "state": (str,),
    "timestamp": _NUMBER,
    "over_at": _MAYBE_NUMBER,
    "complete": (bool,),
    "closing": (bool,),
    "sent": _MAYBE_NUMBER,
    "first_sent": _MAYBE_NUMBER,
    "received": _MAYBE_NUMBER,
    "started": _MAYBE_NUMBER,
    "seen": (str,),
    "known": (dict,),
}
"""A task's row: name -> the types that its value may have."""

_TASK_VALUES = itemgetter(*_TASK)


def task_row(task: Task) -> Row:
    """All that makes the task answer as it does. Shares `known` with the task: to be written before the next fold."""
    return {
        "uuid": task.uuid,
        "state": task.state,
        "timestamp": task.timestamp,
        "over_at": _told(task.over_at),
        "complete": task.complete,
        "closing": bool(task.shape & CLOSING),
        "sent": _told(task._sent),
        "first_sent": _told(task._first_sent),
        "received": _told(task._received),
        "started": _told(task._started),
        "seen": task._seen,
        "known": task.known,
    }


def task_of(row: Mapping[str, Any]) -> Task:
    """
    The task that a row describes; takes the row's `known` over.

    Raises:
        ValueError: it is no row of a task.

    Cost: 6 us, on a busy machine.
    """
    try:
        values = _TASK_VALUES(row)
    except KeyError as missing:
        raise ValueError(f"a task without {missing.args[0]}") from None
    for value, (name, kinds) in zip(values, _TASK.items(), strict=True):
        if type(value) not in kinds:
            raise ValueError(f"a task's {name} is a {type(value).__name__}")
    uuid, state, timestamp, over_at, complete, closing, sent, first_sent, received, started, seen, known = values
    if not uuid or len(seen) % SIGNATURE_LENGTH or len(seen) > SIGNATURES_LENGTH:
        raise ValueError("a task without uuid, or whose events seen are cut")
    task = Task(uuid)
    task.state, task.timestamp, task.over_at, task.complete = share(state), timestamp, _time(over_at), complete
    task._sent, task._first_sent = _time(sent), _time(first_sent)
    task._received, task._started = _time(received), _time(started)
    task._seen, task.known = seen, known
    task.shape = _shape(known) | (CLOSING if closing else 0)
    _share(task)
    return task


def _told(time: float) -> float | None:
    """A time as a row has it: JSON knows no UNKNOWN."""
    return None if isnan(time) else time


def _time(told: float | None) -> float:
    return UNKNOWN if told is None else told


def _shape(known: Mapping[str, Any]) -> int:
    """Raises ValueError: a field that no task has, or of another type."""
    shape = 0
    for name, value in known.items():
        bit, kinds = _KNOWN.get(name, (0, ()))
        if type(value) not in kinds:
            raise ValueError(f"of a task is known {name[:40]!r}, a {type(value).__name__}")
        shape |= bit
    return shape


def _share(task: Task) -> None:
    known = task.known
    for name in _SHARED:
        if name in known:
            known[name] = share(known[name])
    if known.get("kwargs") == NO_KWARGS:
        known["kwargs"] = NO_KWARGS
    if known.get("root_id") == task.uuid:
        known["root_id"] = task.uuid


def worker_row(worker: Worker) -> Row:
    """All that is known of the worker."""
    plain = ("hostname", "pid", "freq", "heard_at", "heartbeat_at", "online", *COUNTERS, *SOFTWARE)
    return {**{name: getattr(worker, name) for name in plain}, "starts": list(worker.starts.items())}


def worker_of(row: Mapping[str, Any]) -> Worker:
    """
    The worker that a row describes.

    Raises:
        ValueError: it is no row of a worker.
    """
    worker = Worker(share(_a(row, "hostname", str)))
    worker.pid = _a(row, "pid", *_MAYBE_NUMBER)  # to JSON Schema 7.0 is an integer too
    worker.freq = _a(row, "freq", *_NUMBER)
    worker.heard_at = _a(row, "heard_at", *_MAYBE_NUMBER)
    worker.heartbeat_at = _a(row, "heartbeat_at", *_MAYBE_NUMBER)
    worker.online = _a(row, "online", bool)
    worker.active = _a(row, "active", *_MAYBE_NUMBER)
    worker.processed = _a(row, "processed", *_MAYBE_NUMBER)
    worker.loadavg = _a(row, "loadavg", list, type(None))
    for name in SOFTWARE:
        setattr(worker, name, _a(row, name, *_MAYBE_TEXT))
    starts = _a(row, "starts", list)
    for pair in starts[:PROCESSES]:
        if type(pair) is not list or len(pair) != 2 or type(pair[0]) not in _MAYBE_NUMBER or type(pair[1]) is not int:
            raise ValueError("a worker's starts are no pairs of a pid and a number")
        worker.starts[pair[0]] = pair[1]
    return worker


def _a(row: Mapping[str, Any], name: str, *kinds: type) -> Any:
    """The value of a row under a name, of one of these types."""
    try:
        value = row[name]
    except KeyError:
        raise ValueError(f"no {name}") from None
    if type(value) not in kinds:
        raise ValueError(f"{name} is a {type(value).__name__}")
    return value
