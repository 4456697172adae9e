"""The stages together: what one read becomes, and what its accounts say."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from bridge.identify import event_id
from bridge.model import Delivery, Gap, Poison, Record
from bridge.pipeline import Pipeline, Transformed
from bridge.validate import Schemas
from tests.captures import FILES, deliveries
from tests.records import assert_record
from tests.unit.making import RECEIVED_AT, delivery, event, pipeline, received, sent, started


def parsed(records: list[Record]) -> list[dict[str, Any]]:
    """Each record, checked against record.json."""
    return [assert_record(record.value) for record in records]


def accounts(batch: Transformed) -> tuple[int, int, int, int]:
    """(received, delivered, dead-lettered, filtered)."""
    tally = batch.tally
    return tally.received, tally.delivered, tally.dead_lettered, tally.filtered


def test_records_come_in_the_order_of_the_events() -> None:
    """Deliveries in order, and the events of a list in order."""
    batch = pipeline().transform(
        [delivery(sent(1795178793.0), received(1795178793.5)), delivery(started(1795178794.0))]
    )

    assert [record["type"] for record in parsed(batch.records)] == ["task-sent", "task-received", "task-started"]
    assert accounts(batch) == (3, 3, 0, 0)


def test_bad_event_of_a_list_costs_its_mates_nothing() -> None:
    """One dead letter stands behind the good records of its delivery, with all that failed."""
    good, bad = started(), {**started(), "uuid": 5}
    batch = pipeline().transform([delivery(good, bad, "no object", {**good, "clock": 2}), delivery(good)])

    records = parsed(batch.records)
    assert [record["type"] for record in records] == [
        "task-started", "task-started", "bridge-dead-letter", "task-started",
    ]  # fmt: skip
    assert (records[2]["indexes"], records[2]["reason"], records[2]["path"]) == ([1, 2], "schema", "/uuid")
    assert accounts(batch) == (5, 3, 2, 0)


@pytest.mark.parametrize("kind", ["task-received", "task-started", "worker-heartbeat", "order-paid"])
def test_integers_may_be_written_as_floats(kind: str) -> None:
    """To JSON Schema 5.0 is an integer: such an event is valid, so it is a record and no fault of ours."""
    said = {"pid": 5.0, "clock": 5.0, "active": 5.0, "processed": 5.0, "freq": 5, "loadavg": [0, 1, 2.0]}
    said |= {"sw_ident": "py-celery", "sw_ver": "5.7.0", "sw_sys": "Linux"} if kind == "worker-heartbeat" else {}
    fields = received(2.0, pid=5.0, retries=5.0) if kind == "task-received" else event(kind, 2.0, **said)
    stages = pipeline()

    assert accounts(stages.transform([delivery(fields), delivery(fields, fields)])) == (3, 3, 0, 0)


def test_reason_is_that_of_the_first_failing_index() -> None:
    """Shape fails before schema in time, but the list's order decides."""
    bad = {**started(), "uuid": 5}
    first, second = pipeline().transform([delivery(1, bad), delivery(bad, 1)]).records

    assert [json.loads(record.value)["reason"] for record in (first, second)] == ["shape", "schema"]


@pytest.mark.parametrize(
    ("body", "reason", "received_events"),
    [(b"no json", "decode", 1), (b"{}", "shape", 1), (b"[]", None, 0), (b"[1,2]", "shape", 2), (b"", "decode", 1)],
)
def test_body_that_holds_no_event(body: bytes, reason: str | None, received_events: int) -> None:
    """An undecodable body counts one, an empty list none; the bytes are kept."""
    batch = pipeline().transform([Delivery(body, "application/json", "utf-8", received_at=RECEIVED_AT)])

    assert accounts(batch) == (received_events, 0, received_events, 0)
    assert [base64.b64decode(json.loads(record.value)["body_b64"]) for record in batch.records] == [body] * bool(reason)
    assert [json.loads(record.value)["reason"] for record in batch.records] == ([reason] if reason else [])


def test_filtered_event_still_teaches() -> None:
    """A task-received that nobody wants still gives task-failed its name."""
    failed = event("task-failed", 1795178795.0, exception="E()", traceback="t")
    batch = pipeline(wanted=("task-failed",)).transform(
        [delivery(received(1795178793.5), started(1795178794.0), failed)]
    )

    (record,) = parsed(batch.records)
    assert (record["name"], record["runtime"]) == ("app.add", 1.0)
    assert accounts(batch) == (3, 1, 0, 2)


def test_invalid_event_teaches_nothing() -> None:
    """What violates its schema never reaches the state."""
    stages = pipeline()
    stages.transform([delivery({**received(1795178793.5), "name": ""})])

    assert len(stages.state) == 0


@pytest.mark.parametrize("kind", ["bridge-gap", "bridge-dead-letter", "bridge-worker-lost", "bridge-"])
def test_nobody_else_reports_in_our_name(kind: str) -> None:
    """A record of type `bridge-*` is the bridge's own, so an event that calls itself so is a dead letter."""
    (letter,) = parsed(pipeline().transform([delivery(event(kind, 1795178793.5, reason="forged"))]).records)

    assert (letter["reason"], letter["path"], letter["schema"]) == ("schema", "/type", "event.json")
    assert parsed(pipeline().transform([delivery(event("bridged", 1795178793.5))]).records)[0]["type"] == "bridged"


def test_records_keep_their_types_whatever_a_schema_of_the_users_allows(tmp_path: Path) -> None:
    """What fits no documented field stands in `extra`, and the state does not learn it."""
    for name in ("task-received", "task-failed"):
        (tmp_path / f"{name}.json").write_text("{}")
    odd = {**received(1795178793.0), "name": ["a"], "retries": "3", "args": "(1,)"}
    failed = event("task-failed", 1795178795.0, exception=5, traceback=None)
    batch = pipeline(schemas=Schemas.load(tmp_path)).transform([delivery(odd, failed)])

    first, last = parsed(batch.records)
    assert (first["extra"], first["args"]) == ({"name": ["a"], "retries": "3"}, "(1,)")
    assert "name" not in first
    assert (last["extra"]["exception"], last["args"], last["state"]) == (5, "(1,)", "FAILURE")
    assert last.keys().isdisjoint({"name", "retries", "exception", "traceback"})
    assert accounts(batch) == (2, 2, 0, 0)


def test_observed_time_is_the_delivery_s_or_the_clock_s() -> None:
    """A bare line has no time of reading: it is read now, and nothing is judged by it."""
    known = pipeline().transform([delivery(started())]).records
    unknown = pipeline().transform([delivery(started(), received_at=None)]).records

    assert parsed(known)[0]["observed_time"] == "2026-11-20T12:46:40.500Z"
    assert parsed(unknown)[0]["observed_time"] > "2026-11-20"


def test_position_is_that_of_the_last_item() -> None:
    """Gaps have one too."""
    first = delivery(started(), position=b"1")
    gap = Gap("retention", 1.0, 2.0, position=b"7")

    assert pipeline().transform([first, gap]).position == b"7"
    assert pipeline().transform([gap, first]).position == b"1"
    assert pipeline().transform([delivery(started())]).position is None


def test_delivery_is_not_changed() -> None:
    """Its bytes and headers may be dead-lettered later."""
    one = delivery(started(uuid=5), headers={"hostname": "w"})
    before = (one.body, dict(one.headers))
    pipeline().transform([one])

    assert (one.body, one.headers) == before


class Broken:
    """A format with a bug, of somebody's own."""

    def __call__(self, *_: object) -> bytes:
        raise ZeroDivisionError("secret value")


def test_fault_of_a_stage_keeps_the_event(capsys: pytest.CaptureFixture[str]) -> None:
    """An event that a user's laxer schema lets through and a stage cannot take is dead-lettered, and said once."""
    stages: Pipeline = pipeline()
    stages.encoder._write = Broken()
    batch = stages.transform([delivery(started(), started()), delivery(started())])

    assert accounts(batch) == (3, 0, 3, 0)
    assert json.loads(batch.records[0].value)["error"] == "internal error: ZeroDivisionError"
    logged = capsys.readouterr().err
    assert logged.count("stage failed on a valid event") == 1
    assert "secret" not in logged


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_captured_deliveries_become_records_or_dead_letters(path: Any) -> None:
    """One record per valid event, at most one dead letter per delivery, nothing else, and balanced accounts."""
    stages = pipeline()
    items = [one for _, one in deliveries(path)]
    batch = stages.transform(items)

    records = parsed(batch.records)
    letters = [record for record in records if record["type"] == "bridge-dead-letter"]
    received_events, delivered, dead_lettered, filtered = accounts(batch)
    assert received_events == delivered + dead_lettered
    assert filtered == 0
    assert len(records) == delivered + len(letters)
    assert len({record["body_b64"] for record in letters}) == len(letters)
    assert batch.deliveries == items


def test_tagged_events_go_on_in_their_places() -> None:
    """With `tag` an invalid event is a record among the others, in order, and only what is no event fails."""
    bad = {**started(), "clock": "x"}
    batch = pipeline(on_invalid="tag").transform([delivery(started(), bad, 7), delivery({"type": "task-started"})])

    first, second, letter, last = parsed(batch.records)
    assert "violations" not in first
    assert [one["path"] for one in second["violations"]] == ["/clock"]
    assert (letter["type"], letter["indexes"]) == ("bridge-dead-letter", [2])
    assert last["violations"]
    assert accounts(batch) == (4, 3, 1, 0)


def test_id_of_a_tagged_event_is_made_of_all_that_was_sent() -> None:
    """Delivered again, at another time, it has the same id."""
    bad = {**started(), "timestamp": "noon"}
    ids = [
        parsed(pipeline(on_invalid="tag").transform([delivery(bad, received_at=at)]).records)[0]["event_id"]
        for at in (RECEIVED_AT, RECEIVED_AT + 60)
    ]

    assert ids[0] == ids[1]
    assert ids[0] == event_id(bad)


def test_tagged_events_to_kafka_have_a_key_and_a_time() -> None:
    """When it was read stands in for the time, the node or the cluster for the task."""
    bad = [{**started(), "uuid": {}}, {"type": "task-started", "hostname": 5}]
    records = pipeline(on_invalid="tag", topic="t").transform([delivery(*bad)]).records

    assert [record.key for record in records] == [started()["hostname"].encode(), b"celery"]
    assert records[1].timestamp_ms == int(RECEIVED_AT * 1000)


def test_drop_counts_what_is_invalid_and_what_is_no_event() -> None:
    """Nothing is written of them, and the account closes."""
    batch = pipeline(on_invalid="drop").transform(
        [delivery(started(), {**started(), "uuid": 5}, 7), Delivery(b"no json")]
    )

    assert [record["type"] for record in parsed(batch.records)] == ["task-started"]
    assert accounts(batch) == (4, 1, 0, 3)
    assert len(batch.deliveries) == 2


def test_our_own_fault_is_kept_under_drop() -> None:
    """A valid event is never dropped for what we did wrong."""
    stages = pipeline(on_invalid="drop")
    stages.encoder._write = Broken()
    batch = stages.transform([delivery(started())])

    assert [record["type"] for record in parsed(batch.records)] == ["bridge-dead-letter"]
    assert accounts(batch) == (1, 0, 1, 0)


def test_fail_takes_nothing_from_the_delivery_of_an_invalid_event_on() -> None:
    """What stands before it is a batch as ever; the delivery itself, good events of it included, is not touched."""
    one = pipeline(on_invalid="fail")
    batch = one.transform([delivery(started()), delivery(7), delivery(started(), {**started(), "uuid": 5})])

    assert (batch.taken, len(batch.deliveries), accounts(batch)) == (2, 2, (2, 1, 1, 0))
    assert one.done
    assert one.invalid is not None
    assert one.transform([delivery(started())]).taken == 0


def test_poison_is_a_dead_letter_between_its_neighbours() -> None:
    """Not decoded, and its bytes untouched; the quick way leaves it alone, and drops nothing of the others."""
    body = delivery(started(uuid="deadly")).body
    poison = Poison(Delivery(body, "application/json", "utf-8", received_at=RECEIVED_AT), 5)
    batch = pipeline().transform([delivery(started(uuid="a")), poison, delivery(started(uuid="b"))])
    before, letter, after = parsed(batch.records)
    assert (before["uuid"], after["uuid"]) == ("a", "b")
    assert (letter["type"], letter["reason"]) == ("bridge-dead-letter", "poison")
    assert (letter.get("body") or base64.b64decode(letter["body_b64"]).decode()) == body.decode()
    assert accounts(batch) == (3, 2, 1, 0)


def test_where_an_invalid_event_ends_the_process_nobody_is_condemned() -> None:
    """An end by `fail` gives the delivery back, again and again: that must not take it out of the way."""
    poison = Poison(delivery(started(uuid="a")), 5)
    one = pipeline(on_invalid="fail")
    (record,) = parsed(one.transform([poison]).records)
    assert record["uuid"] == "a"
    assert one.transform([Poison(delivery({"type": "task-started"}), 0)]).taken == 0
    assert one.invalid is not None
