"""Claims about what is said of each type of event."""

from typing import Any

import pytest

from bridge.formats.details import details, text_of

TASK_KINDS = ["sent", "received", "started", "succeeded", "failed", "retried", "rejected", "revoked", "cancelled"]
KINDS = [*(f"task-{kind}" for kind in TASK_KINDS), "worker-online", "worker-heartbeat", "custom"]
FIELDS = [
    *("args", "kwargs", "queue", "routing_key", "retries", "eta", "timestamp", "result", "exception", "traceback"),
    *("requeue", "expired", "terminated", "signum", "active", "processed", "loadavg", "sw_ident", "sw_ver", "sw_sys"),
]
TASK = {"args": "(1,)", "kwargs": "{'y': 2}"}


def told(kind: str, fields: dict[str, Any], known: dict[str, Any] | None = None) -> list[str]:
    return [text for text, _ in details(kind, {"type": kind, **fields}, known or {})]


@pytest.mark.parametrize(
    ("kind", "fields", "known", "texts"),
    [
        ("task-sent", {**TASK, "queue": "mail", "routing_key": "m"}, {}, ["⇢ mail", "(1,) {'y': 2}"]),
        ("task-sent", {"args": "()", "kwargs": "{}", "queue": "celery"}, {}, []),
        ("task-sent", {"queue": None, "routing_key": "news.eu"}, {}, ["⇢ news.eu"]),
        ("task-received", {**TASK, "retries": 2}, {}, ["retry 2", "(1,) {'y': 2}"]),
        ("task-received", {"args": None, "kwargs": ""}, {"args": "(7,)"}, ["(7,)"]),
        ("task-received", {"eta": "2026-11-20T12:30:00+00:00", "timestamp": 1795177797.5}, {}, ["in 2.5s"]),
        ("task-received", {"eta": "2026-11-20T12:30:00+00:00", "timestamp": 1795177801.0}, {}, []),
        ("task-received", {"eta": "2026-11-20T12:30:00", "timestamp": 1.0}, {}, ["in 2026-11-20T12:30:00"]),
        ("task-received", {"eta": "soon"}, {}, ["in soon"]),
        ("task-started", {}, {**TASK, "retries": 1}, ["retry 1", "(1,) {'y': 2}"]),
        ("task-succeeded", {"result": "3"}, TASK, ["= 3", "(1,) {'y': 2}"]),
        ("task-succeeded", {"result": "None"}, {}, []),
        ("task-succeeded", {"result": None}, {}, []),
        ("task-failed", {"exception": "ValueError('boom')"}, TASK, ["ValueError: boom", "(1,) {'y': 2}"]),
        ("task-retried", {"exception": "OSError('x')"}, TASK, ["OSError: x", "(1,) {'y': 2}"]),
        ("task-rejected", {"requeue": True}, {}, ["requeued"]),
        ("task-rejected", {"requeue": False}, TASK, ["not requeued", "(1,) {'y': 2}"]),
        ("task-revoked", {"terminated": True, "signum": 15, "expired": False}, {}, ["terminated SIGTERM"]),
        ("task-revoked", {"terminated": True, "signum": "9"}, {}, ["terminated SIGKILL"]),
        ("task-revoked", {"terminated": True, "signum": 4711}, {}, ["terminated 4711"]),
        ("task-revoked", {"terminated": True, "signum": None}, {}, ["terminated"]),
        ("task-revoked", {"terminated": False, "signum": None, "expired": True}, {}, ["expired"]),
        ("task-cancelled", {}, TASK, ["(1,) {'y': 2}"]),
        ("worker-heartbeat", {"active": 1, "processed": 20, "loadavg": [0.5, 1, 2.25], "sw_ver": "5"}, {},
         ["active 1", "processed 20", "load 0.50 1 2.25"]),
        ("worker-heartbeat", {"freq": 5}, {}, []),
        ("worker-online", {"sw_ident": "py-celery", "sw_ver": "5.6", "sw_sys": "Linux"}, {}, ["py-celery 5.6 Linux"]),
        ("myapp-deployed", {"version": "1.2", "ok": True, "list": [1, None]}, {"name": "t"},
         ["version=1.2", "ok=true", "list=[1,null]"]),
    ],
)  # fmt: skip
def test_details_say_what_tells_most_first(
    kind: str, fields: dict[str, Any], known: dict[str, Any], texts: list[str]
) -> None:
    """Each type has its own words; arguments come from the event, else from the state, and empty ones are left out."""
    assert [text for text in told(kind, fields, known) if text] == texts


def test_details_of_a_custom_event_leave_the_envelope_out() -> None:
    """What has columns of its own is not said again."""
    envelope = dict.fromkeys(("hostname", "utcoffset", "pid", "clock", "timestamp", "uuid", "local_received"), 1)

    assert told("my-event", {**envelope, "a": 1}) == ["a=1"]


@pytest.mark.parametrize("odd", [None, 0, -1.5, True, "text", [], {"a": [1]}, 2**70, "9" * 5000])
def test_details_survive_every_field_of_every_shape(odd: Any) -> None:
    """Whatever stands in the fields they look at, they find words or none."""
    for kind in KINDS:
        for known in ({}, dict.fromkeys(FIELDS, odd)):
            texts = told(kind, dict.fromkeys(FIELDS, odd), known)

            assert all(isinstance(text, str) for text in texts)


def test_text_of_is_text_or_json() -> None:
    """Text stays, the rest of JSON is JSON, and what JSON cannot hold is Python's."""
    assert [text_of(value) for value in ("a'b", None, 1.5, {"ż": [True]})] == ["a'b", "null", "1.5", '{"ż":[true]}']
    assert text_of(2**70) == str(2**70)
