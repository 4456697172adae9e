"""What is worth saying about one event beyond its time, its worker, its task and its durations."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from signal import Signals
from typing import Any

import orjson

from bridge.formats.cause import cause, retry
from bridge.formats.durations import duration
from bridge.formats.line import BLUE, DIM, MAGENTA, PLAIN, RED, YELLOW
from bridge.model import Fields

Detail = tuple[str, str]
"""A text, not yet escaped, and its style."""

_ENVELOPE = frozenset({"hostname", "utcoffset", "pid", "clock", "timestamp", "type", "uuid", "local_received"})

_DEFAULT_QUEUE = "celery"  # where everything goes that nobody routed (Celery's task_default_queue): not worth a word

_NO_ARGUMENTS = frozenset({None, "", "()", "[]", "{}"})


def text_of(value: object) -> str:
    """Text as it is, all else of JSON as JSON. Total over what decode returns, and whatever else as its repr."""
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return repr(value)


def details(kind: str, fields: Fields, known: Mapping[str, Any]) -> Iterator[Detail]:
    """
    0..n details of an event, what tells most first.

    Args:
        kind: the event's type.
        fields: the event's; of any shape.
        known: what the state adds to them.

    Raises:
        Nothing.
    """
    return _DETAILS.get(kind, _custom)(fields, known)


def _value(key: str, fields: Fields, known: Mapping[str, Any]) -> Any:
    value = fields.get(key)
    return known.get(key) if value is None else value


def _arguments(fields: Fields, known: Mapping[str, Any], style: str) -> Iterator[Detail]:
    args = text_of(_value("args", fields, known) or "")
    kwargs = text_of(_value("kwargs", fields, known) or "")
    shown = " ".join(text for text in (args, kwargs) if text not in _NO_ARGUMENTS)
    if shown:
        yield shown, style


def _plan(fields: Fields, known: Mapping[str, Any]) -> Iterator[Detail]:
    """Which attempt it is, and for when it is planned."""
    retries = _value("retries", fields, known)
    if retries and isinstance(retries, int):
        yield f"retry {retries}", YELLOW
    eta = fields.get("eta")
    if isinstance(eta, str) and (wait := _wait(eta, fields.get("timestamp"))):
        yield f"in {wait}", BLUE


def _wait(eta: str, timestamp: object) -> str:
    """From the event to its eta; the eta as sent where it has no offset and so names no instant."""
    try:
        planned = datetime.fromisoformat(eta)
        if planned.tzinfo is None or not isinstance(timestamp, int | float):
            return eta
        return duration(planned.timestamp() - timestamp)
    except (ValueError, OverflowError):
        return eta


def _sent(fields: Fields, known: Mapping[str, Any]) -> Iterator[Detail]:
    queue = fields.get("queue") or fields.get("routing_key")
    if queue and queue != _DEFAULT_QUEUE:
        yield f"⇢ {text_of(queue)}", BLUE
    yield from _plan(fields, known)
    yield from _arguments(fields, known, PLAIN)


def _received(fields: Fields, known: Mapping[str, Any]) -> Iterator[Detail]:
    yield from _plan(fields, known)
    yield from _arguments(fields, known, PLAIN)


def _started(fields: Fields, known: Mapping[str, Any]) -> Iterator[Detail]:
    retries = known.get("retries")
    if retries and isinstance(retries, int):
        yield f"retry {retries}", YELLOW
    yield from _arguments(fields, known, DIM)


def _succeeded(fields: Fields, known: Mapping[str, Any]) -> Iterator[Detail]:
    result = fields.get("result")
    if result is not None and result != "None":  # what most tasks return says nothing
        yield f"= {text_of(result)}", PLAIN
    yield from _arguments(fields, known, DIM)


def _failed(fields: Fields, known: Mapping[str, Any]) -> Iterator[Detail]:
    yield cause(fields.get("exception"), fields.get("traceback")), RED
    yield from _arguments(fields, known, DIM)


def _retried(fields: Fields, known: Mapping[str, Any]) -> Iterator[Detail]:
    yield retry(fields.get("exception"), fields.get("traceback")), YELLOW
    yield from _arguments(fields, known, DIM)


def _rejected(fields: Fields, known: Mapping[str, Any]) -> Iterator[Detail]:
    yield "requeued" if fields.get("requeue") else "not requeued", MAGENTA
    yield from _arguments(fields, known, DIM)


def _revoked(fields: Fields, known: Mapping[str, Any]) -> Iterator[Detail]:
    if fields.get("expired"):
        yield "expired", MAGENTA
    if fields.get("terminated"):
        yield f"terminated {_signal(fields.get('signum'))}".rstrip(), MAGENTA
    yield from _arguments(fields, known, DIM)


def _signal(signum: object) -> str:
    """SIGTERM for 15, and for "15" as Celery 4.4 sends it; what is no signal stays what it is."""
    try:
        return Signals(int(signum)).name  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError):
        return "" if signum is None else text_of(signum)


def _worker(fields: Fields, known: Mapping[str, Any]) -> Iterator[Detail]:
    """How busy the worker is; when it comes or goes, also what it runs."""
    del known
    for key in ("active", "processed"):
        if fields.get(key) is not None:
            yield f"{key} {text_of(fields[key])}", DIM
    load = fields.get("loadavg")
    if isinstance(load, list) and load:
        yield f"load {' '.join(f'{each:.2f}' if isinstance(each, float) else text_of(each) for each in load)}", DIM
    if fields.get("type") != "worker-heartbeat":
        yield " ".join(text_of(fields[key]) for key in ("sw_ident", "sw_ver", "sw_sys") if key in fields), DIM


def _custom(fields: Fields, known: Mapping[str, Any]) -> Iterator[Detail]:
    """Every field that its sender added, named."""
    del known
    for key, value in fields.items():
        if key not in _ENVELOPE:
            yield f"{key}={text_of(value)}", PLAIN


def _cancelled(fields: Fields, known: Mapping[str, Any]) -> Iterator[Detail]:
    yield from _arguments(fields, known, DIM)


_DETAILS: dict[str, Callable[[Fields, Mapping[str, Any]], Iterator[Detail]]] = {
    "task-sent": _sent,
    "task-received": _received,
    "task-started": _started,
    "task-succeeded": _succeeded,
    "task-failed": _failed,
    "task-retried": _retried,
    "task-rejected": _rejected,
    "task-revoked": _revoked,
    "task-cancelled": _cancelled,
    "worker-online": _worker,
    "worker-offline": _worker,
    "worker-heartbeat": _worker,
}
