"""Schemas in force, and whether an event keeps them."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from bridge.decode import decode
from bridge.errors import ConfigError
from bridge.model import Delivery, Event, Failure
from bridge.validate import RECORD, Schemas
from bridge.validate.files import bundled
from tests import captures
from tests.records import assert_record

ENVELOPE = {"hostname": "w@h", "utcoffset": 0, "pid": 1, "clock": 2, "timestamp": 1763637475.25}
STARTED = {**ENVELOPE, "type": "task-started", "uuid": "u"}
PAID = {**ENVELOPE, "type": "order-paid", "order": 5}

OURS = Schemas.load()
FILES = {name: json.loads(text) for name, text in bundled().items()}


def event(fields: dict[str, Any], index: int | None = None) -> Event:
    return Event(fields["type"], fields, Delivery(b""), index)


def users(directory: Path, **schemas: object) -> Schemas:
    for name, schema in schemas.items():
        text = schema if isinstance(schema, str) else json.dumps(schema)
        (directory / f"{name.replace('_', '-')}.json").write_text(text)
    return Schemas.load(directory)


def recorded() -> Iterator[Event]:
    for path in captures.FILES:
        for _, delivery in captures.deliveries(path):
            yield from decode(delivery)[0]


def test_every_recorded_event_but_the_broken_ones_is_valid() -> None:
    """Of what real workers of three versions sent over two brokers, exactly the deliberately broken kinds fail."""
    failures: Counter[tuple[str, str, str, str]] = Counter()
    types = Counter()
    for found in recorded():
        types[found.type] += 1
        if failure := OURS.check(found):
            failures[found.type, failure.path, failure.error, failure.schema] += 1
    assert len(failures) >= 5
    assert set(failures) <= {
        ("task-received", "/retries", "not of type integer", "task-received.json"),
        ("task-started", "/uuid", "not of type string", "task-started.json"),
        ("task-succeeded", "/runtime", "less than 0", "task-succeeded.json"),
        ("task-failed", "/exception", "not of type string", "task-failed.json"),
        ("task-strtimestamp", "/timestamp", "not of type number", "event.json"),
        ("", "/type", "shorter than 1 character", "event.json"),
    }
    assert set(FILES) - {"event", "record"} <= set(types)


def test_no_built_in_event_carries_an_undocumented_field() -> None:
    """The schemas name everything that real workers send."""
    strangers = {
        (found.type, name)
        for found in recorded()
        if found.type in FILES and not OURS.check(found)
        for name in set(found.fields) - OURS.documented(found.type)
        if name not in {"x", "sequence"}
    }
    assert {name for name, _ in strangers} <= {"task-succeeded", "task-failed", "task-started"}


def test_valid_event_has_no_violation() -> None:
    """`check` and `violations` agree."""
    assert OURS.check(event(STARTED)) is None
    assert OURS.violations(event(STARTED)) == []


def test_violations_come_by_path_and_the_first_is_what_check_says() -> None:
    """All of them, with file, pointer, index and words."""
    broken = event({**STARTED, "uuid": 5, "pid": "x", "clock": None, "hostname": ""}, 3)
    del broken.fields["timestamp"]
    violations = OURS.violations(broken)
    assert violations == [
        Failure("schema", "timestamp is missing", 3, "", "task-started.json"),
        Failure("schema", "not of type integer", 3, "/clock", "task-started.json"),
        Failure("schema", "shorter than 1 character", 3, "/hostname", "task-started.json"),
        Failure("schema", "not of type integer", 3, "/pid", "task-started.json"),
        Failure("schema", "not of type string", 3, "/uuid", "task-started.json"),
    ]
    assert OURS.check(broken) == violations[0]


@pytest.mark.parametrize("kind", ["", "x" * 256, "a\nb", "a\x7fb", "a\x9bb", "\0"])
def test_custom_type_is_short_and_has_no_control_characters(kind: str) -> None:
    """1 to 255 characters, neither C0 nor DEL nor C1."""
    failure = OURS.check(event({**ENVELOPE, "type": kind}))
    assert failure is not None
    assert (failure.path, failure.schema) == ("/type", "event.json")


@pytest.mark.parametrize("kind", ["a", "x" * 255, "zażółć gęślą", "task-", "-", "../etc", "event", "record"])
def test_any_other_custom_type_passes(kind: str) -> None:
    """`event` and `record` are types like any other: our files of these names are not about them."""
    assert OURS.check(event({**ENVELOPE, "type": kind, "anything": [1, {"a": None}]})) is None
    assert OURS.documented(kind) == OURS.documented("no-such-type")
    assert OURS.nullable(kind) == OURS.documented(kind)


@pytest.mark.parametrize("change", [{"clock": None}, {"uuid": None}, {"clock": None, "uuid": "u"}])
def test_custom_event_may_lack_clock_and_uuid(change: dict[str, Any]) -> None:
    """`blind=True` sends clock null, `send_event` outside a task uuid null."""
    assert OURS.check(event({**PAID, **change})) is None


@pytest.mark.parametrize("timestamp", [0, -1, 1763637475250, "1763637475", None, True, [], 1e300, 32503680001])
def test_timestamp_is_seconds(timestamp: object) -> None:
    """Not milliseconds, not text, not before 1970."""
    failure = OURS.check(event({**PAID, "timestamp": timestamp}))
    assert failure is not None
    assert failure.path == "/timestamp"


def test_type_of_a_user_is_checked_against_their_file(tmp_path: Path) -> None:
    """A file adds its type; other types are as before."""
    schemas = users(tmp_path, order_paid={"required": ["order"], "properties": {"order": {"type": "integer"}}})
    assert schemas.check(event(PAID)) is None
    assert schemas.check(event({**PAID, "order": "5"}, 1)) == Failure(
        "schema", "not of type integer", 1, "/order", "order-paid.json"
    )
    assert schemas.check(event({**PAID, "type": "order-sent", "order": "5"})) is None
    assert OURS.check(event({**PAID, "order": "5"})) is None
    assert schemas.documented("order-paid") == {"type", "uuid", *ENVELOPE}
    assert schemas.replaced == frozenset()
    assert "order-paid" in schemas.types()


def test_envelope_holds_whatever_a_user_allows(tmp_path: Path) -> None:
    """A record needs sender and time: no schema, not even one for every other event, can do without them."""
    schemas = users(tmp_path, order_paid=True, event=True, task_started=True)
    for kind in ("order-paid", "order-sent", "task-started"):
        failure = schemas.check(event({**PAID, "type": kind, "timestamp": "now"}))
        assert failure == Failure("schema", "not of type number", None, "/timestamp", "event.json")
    assert schemas.check(event({**ENVELOPE, "type": "task-started"})) is None


def test_file_of_the_name_of_ours_replaces_it(tmp_path: Path) -> None:
    """Also `event.json`; what the record shows on top stays ours, and misfits are known."""
    schemas = users(
        tmp_path,
        task_rejected={"properties": {"requeue": {"type": ["boolean", "integer"]}}},
        event={"required": ["tenant"]},
    )
    assert schemas.replaced == {"task-rejected", "event"}
    loose = event({**STARTED, "type": "task-rejected", "requeue": 1})
    assert schemas.check(loose) is None
    assert schemas.misfits(loose) == {"requeue"}
    fits = event({**loose.fields, "requeue": True})
    assert schemas.misfits(fits) == frozenset()
    assert schemas.fitting(fits) is fits
    assert schemas.fitting(loose).fields == {name: loose.fields[name] for name in loose.fields if name != "requeue"}
    assert schemas.documented("task-rejected") == OURS.documented("task-rejected")
    assert schemas.nullable("task-rejected") == OURS.documented("task-rejected")
    assert schemas.check(event({**loose.fields, "uuid": 5})) is not None
    assert schemas.check(event(PAID)) == Failure("schema", "tenant is missing", None, "", "event.json")
    assert schemas.text("event") == b'{"required": ["tenant"]}'


def test_users_file_may_refer_to_ours_and_to_theirs(tmp_path: Path) -> None:
    """By file name."""
    schemas = users(
        tmp_path,
        order_paid={"allOf": [{"$ref": "event.json"}, {"$ref": "money.json"}]},
        money={"properties": {"order": {"$ref": "task-sent.json#/$defs/count"}}},
    )
    assert schemas.check(event(PAID)) is None
    assert schemas.check(event({**PAID, "order": -1})) is not None


def test_every_problem_of_a_directory_is_reported_at_once(tmp_path: Path) -> None:
    """Each with its file's path."""
    (tmp_path / "dangling.json").symlink_to("nowhere")
    with pytest.raises(ConfigError) as caught:
        users(
            tmp_path,
            a="{",
            b="[]",
            c={"type": "strng"},
            d={"$ref": "https://example.com/x.json"},
            record={},
            fine={"type": "object"},
        )
    problems = {Path(problem.split(": ")[0]).name: problem for problem in caught.value.problems}
    assert set(problems) == {"a.json", "b.json", "c.json", "d.json", "dangling.json", "record.json"}
    assert all(problem.startswith(f"{tmp_path}/") for problem in caught.value.problems)


def test_misfits_are_top_level_documented_fields() -> None:
    """A wrong item makes its field a misfit; what is missing or undocumented is none."""
    heartbeat = {**ENVELOPE, "type": "worker-heartbeat", "loadavg": [1, "2", 3], "sw_ver": 5, "mine": object}
    del heartbeat["mine"]
    assert OURS.misfits(event(heartbeat)) == {"loadavg", "sw_ver"}


def test_documented_fields_are_those_of_the_schema() -> None:
    """Envelope and own; `local_received`, which only receivers add, is not among them."""
    assert OURS.documented("task-started") == {"type", "uuid", *ENVELOPE}
    assert {"name", "args", "kwargs", "root_id", "queue"} <= OURS.documented("task-sent")


def test_nullable_types_are_those_with_a_null_in_their_schema() -> None:
    """Every other type's documented fields never need a look for null."""
    assert {name for name in OURS.types() if OURS.nullable(name)} - {"event", "record"} == {
        "task-received",
        "task-revoked",
        "task-sent",
        "task-succeeded",
        "worker-elect",
    }
    assert OURS.nullable("task-started") == frozenset()
    assert {"parent_id", "eta", "expires"} <= OURS.nullable("task-received") < OURS.documented("task-received")


def test_types_and_texts_are_the_files() -> None:
    """Names in order, texts byte for byte; no other name has a text."""
    assert OURS.types() == sorted(FILES)
    assert {name: OURS.text(name) for name in OURS.types()} == bundled()
    with pytest.raises(KeyError):
        OURS.text("order-paid")


@pytest.mark.parametrize("name", FILES)
def test_schema_is_written_for_its_reader(name: str) -> None:
    """Named after its file, 2020-12, with a title, a description, and one for each field; no reference leaves it."""
    schema = FILES[name]
    assert schema["$id"] == f"{name}.json"
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"]
    assert schema["description"].endswith(".")
    for rule in schema["properties"].values():
        assert rule["description"].endswith("."), rule
    references = re.findall(r'"\$ref": "([^"]+)"', bundled()[name].decode())
    assert {reference.removeprefix("#/$defs/") for reference in references} == set(schema["$defs"])


def test_equal_definitions_are_equal() -> None:
    """The files stand alone, so that each can be taken away; what they share has one meaning."""
    seen: dict[str, Any] = {}
    for schema in FILES.values():
        for name, rule in schema["$defs"].items():
            assert seen.setdefault(name, rule) == rule, name


@pytest.mark.parametrize("name", FILES)
def test_patterns_run_in_linear_time(name: str) -> None:
    """They compile for an engine that has no backtracking, so no string can make them slow."""
    jsonschema_rs.validator_for(FILES[name], offline=True, pattern_options=jsonschema_rs.RegexOptions())


def test_record_documents_every_field_of_every_type() -> None:
    """Whatever stands on top of a record has a type in record.json."""
    known = set(FILES[RECORD]["properties"])
    for name in OURS.types():
        assert OURS.documented(name) <= known


RECORD_OF_STARTED = {
    "event_id": "019aa0f0-1111-7abc-8abc-0123456789ab",
    "type": "task-started",
    "event_time": "2026-11-20T11:47:55.123Z",
    "observed_time": "2026-11-20T11:47:55.124Z",
    "cluster": "celery",
    "timestamp": 1795175275.1234,
    "hostname": "w@h",
    "utcoffset": -5.5,
    "pid": 1,
    "clock": 2,
    "uuid": "u",
    "state": "STARTED",
    "name": "tasks.add",
    "queue_seconds": 0.5,
    "worker_loadavg": [0.1, 0.2, 0.3],
    "enriched": ["name", "queue_seconds", "worker_loadavg"],
    "state_complete": False,
    "signum": 15,
    "extra": {"x": None},
}


def test_record_is_accepted() -> None:
    """One of everything."""
    assert assert_record(RECORD_OF_STARTED)
    assert assert_record(json.dumps(RECORD_OF_STARTED).encode() + b"\n")


def wrong(value: object) -> object:
    return 5 if isinstance(value, str | list | dict | bool) else "5"


@pytest.mark.parametrize("name", RECORD_OF_STARTED)
def test_record_with_a_field_of_a_wrong_type_is_refused(name: str) -> None:
    """Types are stable; null is no value of any field."""
    for value in (wrong(RECORD_OF_STARTED[name]), None):
        with pytest.raises(AssertionError):
            assert_record({**RECORD_OF_STARTED, name: value})


@pytest.mark.parametrize(
    "change",
    [
        {"unknown": 1},
        {"reason": "x"},
        {"body_b64": "eA=="},
        {"enriched": ["queue"]},
        {"extra": {}},
        {"state_complete": True},
        {"event_time": "2026-11-20T11:47:55.123+00:00"},
        {"event_time": "2026-11-20T11:47:55Z"},
        {"event_id": "019aa0f0-1111-4abc-8abc-0123456789ab"},
        {"skew_seconds": 4.9},
        {"signum": "SIGTERM"},
        {"type": ""},
        {"worker_loadavg": [1, 2]},
        {"violations": []},
    ],
)
def test_record_that_promises_too_much_is_refused(change: dict[str, Any]) -> None:
    """Unknown names, another report's fields, wrong forms."""
    with pytest.raises(AssertionError):
        assert_record({**RECORD_OF_STARTED, **change})


@pytest.mark.parametrize("name", ["event_id", "type", "cluster", "event_time", "hostname", "timestamp"])
def test_record_has_what_every_record_has(name: str) -> None:
    """Of a valid event."""
    with pytest.raises(AssertionError):
        assert_record({key: value for key, value in RECORD_OF_STARTED.items() if key != name})


def test_record_of_an_invalid_event_names_its_violations() -> None:
    """Then what could not be kept may be missing."""
    head = {"event_id": RECORD_OF_STARTED["event_id"], "type": "", "cluster": "celery"}
    violation = {"path": "/type", "error": "shorter than 1 character", "schema": "event.json"}
    assert assert_record({**head, "violations": [violation], "extra": {"timestamp": "now"}})


BRIDGE = {key: RECORD_OF_STARTED[key] for key in ("event_id", "event_time", "observed_time", "cluster")}
DEAD = {**BRIDGE, "type": "bridge-dead-letter", "reason": "shape", "error": "type is missing", "headers": {}}
DEAD |= {"body_b64": "e30=", "body_bytes": 2}
GAP = {**BRIDGE, "type": "bridge-gap", "reason": "reconnect", "from_time": BRIDGE["event_time"]}
GAP |= {"to_time": BRIDGE["event_time"]}


def test_reports_of_the_bridge_are_records() -> None:
    """Dead letters, gaps, and those to come."""
    assert assert_record(DEAD)
    assert assert_record({**DEAD, "indexes": [0, 2], "path": "/type", "schema": "event.json", "routing_key": "task.x"})
    assert assert_record(GAP)
    assert assert_record({**GAP, "lost": 5, "lost_exact": True})
    assert assert_record({**BRIDGE, "type": "bridge-worker-lost", "hostname": "w@h"})


@pytest.mark.parametrize("report", [DEAD, GAP], ids=lambda report: report["type"])
def test_report_lacks_nothing(report: dict[str, Any]) -> None:
    """Each of these fields is always there."""
    for name in report:
        with pytest.raises(AssertionError):
            assert_record({key: value for key, value in report.items() if key != name})
    with pytest.raises(AssertionError):
        assert_record({**report, "reason": 5})


def samples() -> dict[str, dict[str, Any]]:
    """One valid recorded event of each type that Celery sends."""
    found: dict[str, dict[str, Any]] = {}
    for sample in recorded():
        if sample.type in FILES and sample.type not in found and not OURS.check(sample):
            found[sample.type] = sample.fields
    return found


def test_schema_notices_whatever_is_missing_or_of_another_type() -> None:
    """Each required field, taken out of a real event, and each field made an object, a boolean or negative."""
    valid = samples()
    assert set(valid) == set(FILES) - {"event", "record"}
    for name, fields in valid.items():
        for field in FILES[name]["required"]:
            if field != "type":
                rest = {key: value for key, value in fields.items() if key != field}
                assert [violation.error for violation in OURS.violations(event(rest))] == [f"{field} is missing"]
        for field in set(FILES[name]["properties"]) - {"type", "action"}:
            for wrong_value in ({}, -99, True):
                if wrong_value is True and FILES[name]["properties"][field].get("type") == "boolean":
                    continue
                if field == "cver" and wrong_value == -99:
                    continue
                found = OURS.violations(event({**fields, field: wrong_value}))
                assert f"/{field}" in {violation.path for violation in found}, (name, field, wrong_value)


def test_strict_schemas_take_no_field_that_they_do_not_name() -> None:
    """Every recorded event of Celery's own is as valid as before; with one more field it is not; custom types are."""
    strict = Schemas.load(strict=True)
    for fields in samples().values():
        assert strict.check(event(fields)) is None
        failure = strict.check(event({**fields, "odd": 1}))
        assert failure is not None
        assert failure.error == "has fields that are not allowed"
    custom = {"type": "order-paid", "hostname": "h", "timestamp": 1.5, "odd": 1}
    assert strict.check(event(custom)) is None
