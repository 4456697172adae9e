"""The native record: what stands where, what is left out, what is said to be added."""

import json
from typing import Any

from bridge.formats.native import ADDITIONS_KEPT, NAMES_KEPT, PLANS_KEPT
from bridge.model import Context
from tests.records import assert_record
from tests.unit.making import RECEIVED_AT, decoded, event, native, received, sent, started

ID = "01a1f8c8-da73-7ef6-ba9f-34d59022c797"
NOW = "2026-11-20T11:47:55.123Z"
UNKNOWN = Context("", {})


def record(
    fields: dict[str, Any], context: Context = UNKNOWN, received_at: float | None = RECEIVED_AT
) -> dict[str, Any]:
    """The record of one event, valid by its schema, as a reader of JSON sees it."""
    value = native()(decoded(fields, received_at), context, ID, NOW, NOW)
    assert_record(value)
    parsed: dict[str, Any] = json.loads(value)
    return parsed


def test_identity_and_time_come_first() -> None:
    """A reader's eye, and `head -c`, find what matters first."""
    assert list(record(started()))[:5] == ["event_id", "type", "event_time", "observed_time", "cluster"]


def test_fields_of_the_event_are_verbatim() -> None:
    """The sender's words are not touched: eta, timestamp and reprs as they came."""
    eta = "2026-11-20T11:47:56.000001+00:00"
    fields = sent(1795178793.1234567, eta=eta, args="('<secret>', \x00)")
    made = record(fields)

    assert {name: made[name] for name in ("eta", "timestamp", "args", "exchange", "retries")} == {
        "eta": eta, "timestamp": 1795178793.1234567, "args": "('<secret>', \x00)", "exchange": "", "retries": 0,
    }  # fmt: skip


def test_null_of_a_documented_field_is_absent() -> None:
    """One meaning, one spelling: readers need not tell null from absent."""
    made = record(received(1795178793.5))

    assert not {"parent_id", "eta", "expires"} & set(made)


def test_undocumented_fields_go_into_extra_with_their_nulls() -> None:
    """A field nobody documented cannot clash with a later one of ours, nor blow up a mapping."""
    made = record(started(custom=1, nothing=None, state="SUCCESS", enriched="x"))

    assert made["extra"] == {"custom": 1, "nothing": None, "state": "SUCCESS", "enriched": "x"}
    assert "state" not in made
    assert "enriched" not in made


def test_custom_event_keeps_only_the_envelope_on_top() -> None:
    """Its own `name` does not hide the task's."""
    fields = event("order-paid", 1795178793.5, name="mine", amount=5)
    made = record(fields, Context("STARTED", {"name": "app.add"}))

    assert made["name"] == "app.add"
    assert made["extra"] == {"name": "mine", "amount": 5}
    assert made["enriched"] == ["name"]


def test_enriched_names_what_the_event_lacked() -> None:
    """What the event says itself is neither replaced nor listed; state is never listed."""
    known = {"name": "app.old", "queue": "celery", "received_time": NOW}
    made = record(received(1795178793.5, name="app.new"), Context("RECEIVED", known))

    assert made["name"] == "app.new"
    assert made["queue"] == "celery"
    assert made["enriched"] == ["queue", "received_time"]
    assert made["state"] == "RECEIVED"


def test_null_of_the_event_is_filled_by_what_is_known() -> None:
    """runtime is null on a deduplicated task-succeeded: the state's own measure takes its place."""
    fields = event("task-succeeded", 1795178793.5, result=None, runtime=None)
    made = record(fields, Context("SUCCESS", {"runtime": 1.5}))

    assert made["runtime"] == 1.5
    assert made["enriched"] == ["runtime"]


def test_incomplete_task_is_said_to_be_so() -> None:
    """state_complete is false, or absent."""
    assert record(started(), Context("STARTED", {"worker": "celery@w1"}, complete=False))["state_complete"] is False
    assert "state_complete" not in record(started(), Context("STARTED", {"worker": "celery@w1"}))


def test_signum_is_an_integer_always() -> None:
    """Celery 4.4 sends "15", others 15; a name is looked up, what names no signal goes into extra."""

    def revoked(signum: object) -> dict[str, Any]:
        return record(event("task-revoked", 1795178793.5, terminated=True, signum=signum, expired=False))

    assert [revoked(signum).get("signum") for signum in (15, "15", "SIGTERM", "nonsense", "99999999999")] == [
        15, 15, 15, None, None,
    ]  # fmt: skip
    assert revoked("nonsense")["extra"] == {"signum": "nonsense"}


def test_skew_is_shown_only_for_a_sender_ahead_of_us() -> None:
    """More than 5 s ahead of the reading; late events are lag and not skew."""
    assert record(started(RECEIVED_AT + 6.5))["skew_seconds"] == 6.5
    assert "skew_seconds" not in record(started(RECEIVED_AT + 4.5))
    assert "skew_seconds" not in record(started(RECEIVED_AT - 100))
    assert "skew_seconds" not in record(started(RECEIVED_AT + 6.5), received_at=None)


def test_skew_between_whole_seconds_is_written_as_any_other() -> None:
    """6.0, also where the sender and a source of somebody's own count in integers."""
    assert b'"skew_seconds":6.0}' in native()(decoded(started(1795178806), 1795178800), UNKNOWN, ID, NOW, NOW)


def test_event_is_not_changed() -> None:
    """The same event is written by nobody else's hand afterwards."""
    fields = event("task-revoked", 1795178793.5, terminated=True, signum="15", expired=False, odd=None)
    before = dict(fields)
    record(fields, Context("REVOKED", {"name": "app.add"}))

    assert fields == before


def test_remembered_plans_are_bounded() -> None:
    """Every custom event may have another type: a million of them must not fill the memory."""
    write = native()
    for number in range(PLANS_KEPT + 10):
        write(decoded(event(f"custom-{number}", 1795178793.5)), UNKNOWN, ID, NOW, NOW)

    assert len(write._plans) <= PLANS_KEPT
    assert len(write._last) <= PLANS_KEPT


def test_plan_of_a_type_follows_its_fields() -> None:
    """Events of one type may have other fields, other nulls, and tasks of which something else is known."""
    write = native()
    full, bare = event("order-paid", 1795178793.5, amount=1), event("order-paid", 1795178793.5, uuid=None)
    rich, poor = Context("STARTED", {"name": "app.add", "queue": "q"}), Context("STARTED", {"name": "app.add"})
    made = [
        json.loads(write(decoded(fields), context, ID, NOW, NOW))
        for fields in (full, bare, full)
        for context in (rich, poor, UNKNOWN)
    ]

    assert [record.get("enriched") for record in made] == [["name", "queue"], ["name"], None] * 3
    assert [record.get("extra") for record in made] == [{"amount": 1}] * 3 + [None] * 3 + [{"amount": 1}] * 3
    assert ["uuid" in record for record in made] == [True] * 3 + [False] * 3 + [True] * 3


def test_forms_of_a_type_that_take_turns_are_planned_once() -> None:
    """A plan costs more than a record, and whether an event has its optional fields changes from event to event."""
    write = native()
    full, bare = event("order-paid", 1795178793.5, amount=1), event("order-paid", 1795178793.5)
    for fields in (full, bare) * 3:
        write(decoded(fields), UNKNOWN, ID, NOW, NOW)
        made = dict(write._plans)

    assert len(made) == 2
    assert all(write._plans[key] is plan for key, plan in made.items())


def test_an_event_of_very_many_names_leaves_nothing_behind() -> None:
    """Thousands of such plans would be a gigabyte; its record is as every other."""
    write = native()
    fields = event("order-paid", 1795178793.5, **{f"x{number}": number for number in range(NAMES_KEPT)})
    made = json.loads(write(decoded(fields), Context("STARTED", {"name": "app.add"}), ID, NOW, NOW))

    assert len(made["extra"]) == NAMES_KEPT
    assert (made["name"], made["enriched"]) == ("app.add", ["name"])
    assert not write._plans
    assert not write._last
    assert not write._additions


def test_remembered_additions_are_bounded() -> None:
    """Custom states come from users, and have any number of names."""
    write = native()
    for number in range(ADDITIONS_KEPT + 10):
        write(decoded(started()), Context(f"CUSTOM{number}", {"name": "app.add"}), ID, NOW, NOW)

    assert 0 < len(write._additions) <= ADDITIONS_KEPT


def test_names_that_somebody_compared_need_no_order() -> None:
    """An event that a stage has noted the names of is written as one whose names nobody knows."""
    fields = started()
    names = (*sorted(fields.keys() - {"type"}), "type")
    for one in (fields, dict(reversed(fields.items())), {"type": fields["type"], **fields}):
        write = native()
        for noted in (None, names, (*names[:2], *names[2:]), None):
            sent = decoded(one)
            sent.names = noted

            assert write(sent, UNKNOWN, ID, NOW, NOW) == native()(decoded(one), UNKNOWN, ID, NOW, NOW)


def test_type_may_stand_anywhere_in_the_event() -> None:
    """Celery writes it last; another sender need not, and the record is the same."""
    fields = received(1795178793.5)
    kind = fields.pop("type")
    first, last = {"type": kind, **fields}, {**fields, "type": kind}

    assert native()(decoded(first), UNKNOWN, ID, NOW, NOW) == native()(decoded(last), UNKNOWN, ID, NOW, NOW)


def test_nulls_of_two_events_of_a_type_may_differ() -> None:
    """What the state adds in place of a null is asked for each event anew."""
    write = native()
    known = Context("RECEIVED", {"parent_id": "p", "root_id": "r"})
    made = [
        json.loads(write(decoded(received(1795178793.5, parent_id=parent, root_id=root)), known, ID, NOW, NOW))
        for parent, root in ((None, "x"), ("x", None), (None, None), ("x", "x"), (None, "x"))
    ]

    assert [record.get("enriched") for record in made] == [
        ["parent_id"], ["root_id"], ["parent_id", "root_id"], None, ["parent_id"],
    ]  # fmt: skip
    assert [(record["parent_id"], record["root_id"]) for record in made] == [
        ("p", "x"), ("x", "r"), ("p", "r"), ("x", "x"), ("p", "x"),
    ]  # fmt: skip


def test_events_of_a_type_need_no_order_of_fields() -> None:
    """Two senders order the same fields otherwise: each record says what its own event says."""
    write = native()
    for fields in (received(1795178793.5, eta=None), dict(reversed(received(1795178794.5, root_id=None).items()))):
        alone = json.loads(native()(decoded(fields), UNKNOWN, ID, NOW, NOW))

        assert json.loads(write(decoded(fields), UNKNOWN, ID, NOW, NOW)) == alone
