"""Laws of the text formats: whatever decode may return is one safe line."""

import json
import re
from typing import Any

import pytest
import wcwidth
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.formats import Format
from bridge.formats.columns import columns, cut, cut_middle, cut_start
from bridge.formats.dump import Dump
from bridge.formats.escape import escape
from bridge.formats.pretty import Pretty
from bridge.formats.raw import raw
from bridge.identify import event_id
from bridge.model import Context, Delivery, Event, Gap
from bridge.validate import Policy
from tests.records import assert_record
from tests.unit.making import RECEIVED_AT, SCHEMAS, tagging

SGR = re.compile(r"\x1b\[[0-9]+m")

# As decode leaves them: no lone surrogates, no NaN, no integers that 64 bits do not hold.
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.sampled_from(
    [
        "\x1b[31m",
        "a\nb",
        "\u2028",
        "\u202e",
        "e\u0301" * 30,
        "日本語" * 20,
        "👩\u200d🚀",
        "x" * 300,
        "celery@web1",
        "(1,)",
        "15",
    ]
)
scalar = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
)
value = st.recursive(
    scalar, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3), max_leaves=6
)
kind = (
    st.sampled_from(
        [
            *("task-sent", "task-received", "task-started", "task-succeeded", "task-failed", "task-retried"),
            *("task-rejected", "task-revoked", "task-cancelled", "worker-online", "worker-heartbeat", "task-", "-", ""),
        ]
    )
    | text
)
field = (
    st.sampled_from(
        [
            *(
                "hostname",
                "uuid",
                "timestamp",
                "clock",
                "name",
                "args",
                "kwargs",
                "retries",
                "eta",
                "queue",
                "routing_key",
            ),
            *("result", "runtime", "exception", "traceback", "requeue", "terminated", "signum", "expired", "active"),
            *("processed", "loadavg", "sw_ident", "sw_ver", "sw_sys", "local_received"),
        ]
    )
    | text
)
known = st.dictionaries(
    st.sampled_from(["name", "args", "kwargs", "retries", "queue_seconds", "prefetch_seconds", "runtime"]), value
)


@st.composite
def events(draw: st.DrawFn) -> Event:
    """An event of any type with any fields."""
    fields = {**draw(st.dictionaries(field, value, max_size=12)), "type": draw(kind)}
    received_at = draw(st.none() | st.floats(0, 4e9))
    return Event(fields["type"], fields, Delivery(b"", received_at=received_at), None)


@pytest.mark.parametrize(
    "make", [lambda: raw, Dump, lambda: Pretty(width=100, color=False)], ids=["raw", "dump", "pretty"]
)
@given(event=events(), known=known)
def test_every_format_writes_one_line_of_any_event(make: Any, event: Event, known: dict[str, Any]) -> None:
    """It raises nothing, leaves the event as it was, and writes UTF-8 in which no reader finds a second line."""
    write: Format = make()
    before = json.dumps(event.fields)

    line = write(event, Context("STARTED", known), "id", "", "").decode()

    assert line.encode().splitlines() in ([], [line.encode()])
    assert json.dumps(event.fields) == before


@given(event=events(), known=known, width=st.integers(-1, 250), color=st.booleans())
@settings(max_examples=300)
def test_pretty_is_never_wider_than_told_and_obeys_nobody(
    event: Event, known: dict[str, Any], width: int, color: bool
) -> None:
    """Without its own colours it is printable text within the width, as the wcwidth package measures it."""
    pretty = Pretty(width=width, color=color, cluster="eu")

    line = SGR.sub("", pretty(event, Context("", known), "id", "", "").decode())

    assert escape(line) == line
    assert sum(max(0, wcwidth.wcwidth(char)) for char in line) <= (width if width > 0 else 80)


@given(
    reason=text, times=st.tuples(st.floats(), st.floats()), lost=st.none() | st.integers(), width=st.integers(1, 250)
)
def test_a_gap_is_one_line_within_the_width(
    reason: str, times: tuple[float, float], lost: int | None, width: int
) -> None:
    """Whatever the source says about it."""
    line = Pretty(width=width, color=True).gap(Gap(reason, *times, lost=lost)).decode()

    assert escape(SGR.sub("", line)) == SGR.sub("", line)
    assert columns(SGR.sub("", line)) <= width


@given(fields=st.dictionaries(text, value, max_size=8))
def test_raw_says_everything_in_the_senders_order(fields: dict[str, Any]) -> None:
    """Reading it back gives the event."""
    event = Event("x", fields, Delivery(b""), None)

    assert list(json.loads(raw(event, Context("", {}), "id", "", "")).items()) == list(fields.items())


@given(text=text, room=st.integers(-2, 80))
def test_cut_fits_and_leaves_alone_what_fitted(text: str, room: int) -> None:
    """All three ways of cutting keep to the room, and touch nothing that had it."""
    shown = escape(text)
    for short in (cut(shown, room), cut_start(shown, room), cut_middle(shown, room)):
        assert columns(short) <= max(0, room)
        assert (short == shown) == (columns(shown) <= max(0, room))


@given(text=st.text())
def test_escape_leaves_one_printable_line_and_is_idempotent(text: str) -> None:
    """What it wrote has no line end, and escaping it again changes nothing."""
    shown = escape(text)

    assert shown.splitlines() in ([], [shown])
    assert escape(shown) == shown


@given(st.dictionaries(field, value, max_size=8), kind)
def test_whatever_is_forwarded_with_a_mark_is_a_record(fields: dict[str, Any], event_type: str) -> None:
    """`--on-invalid tag`: any object with a type is a record of record.json, or valid, or of a reserved type."""
    event = Event(event_type, {**fields, "type": event_type}, Delivery(b"", received_at=RECEIVED_AT), None)
    if SCHEMAS.check(event) is None:
        return
    tagged = Policy("tag", SCHEMAS).forwarded(event)
    if tagged is None:
        assert event_type.startswith("bridge-")
        return
    time = "2026-11-20T12:29:54.478Z"
    record = assert_record(tagging()(tagged, Context("", {}), event_id(event.fields), time, time))
    shown = record.get("extra", {}) | record
    assert all(shown.get(name) == sent for name, sent in fields.items() if sent is not None and name != "signum")
