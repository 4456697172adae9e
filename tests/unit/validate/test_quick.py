"""The check that says yes to what nearly every event is."""

import json
from collections import Counter

import pytest

from bridge.decode import decode
from bridge.validate import Schemas
from bridge.validate.files import bundled
from bridge.validate.quick import quick
from tests import captures

OURS = {name: json.loads(text) for name, text in bundled().items()}
CHECKS = {name: check for name, check in ((name, quick(schema)) for name, schema in OURS.items()) if check is not None}
SCHEMAS = Schemas.load()

TEXT = {"type": "string", "minLength": 1}


def schema(**properties: object) -> dict[str, object]:
    return {"type": "object", "required": sorted(properties), "properties": properties}


def test_types_of_every_task_and_of_heartbeats_have_one() -> None:
    """What a cluster sends all day is checked quickly."""
    assert {"task-sent", "task-received", "task-started", "task-succeeded", "task-failed", "worker-heartbeat"} <= set(
        CHECKS
    )


def test_recorded_events_of_a_whole_schema_are_accepted() -> None:
    """Of what Celery 5.6 really sent, what has all fields of its schema and no other, is valid."""
    seen: Counter[str] = Counter()
    for _, delivery in captures.deliveries(captures.DIRECTORY / "rabbitmq-celery-5.6.x.jsonl"):
        for event in decode(delivery)[0]:
            check = CHECKS.get(event.type)
            if check is not None and event.fields.keys() == OURS[event.type]["properties"].keys():
                assert check.keep(event.fields) == (SCHEMAS.check(event) is None), event.fields
                seen[event.type] += 1

    assert min(seen[name] for name in ("task-sent", "task-received", "task-started", "task-succeeded")) > 0


@pytest.mark.parametrize(
    ("rule", "kept", "broken"),
    [
        (TEXT, ["a"], ["", 1, None, ["a"]]),
        ({"type": "string", "maxLength": 2}, ["", "ab"], ["abc", 1]),
        ({"type": ["string", "null"], "minLength": 1}, ["a", None], ["", 0, False]),
        (
            {"type": ["string", "null"], "pattern": r"^\d-a$"},
            [None, "5-a"],
            ["b", "5-a\n", "5-a5-a", "\u0665-a", "x5-a", 5],
        ),
        ({"type": "boolean"}, [True, False], [0, 1, None, "true"]),
        ({"type": "integer", "minimum": 0, "maximum": 9}, [0, 9], [-1, 10, True, 5.0, "5", None]),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 9}, [0.1, 1, 9], [0, 9.5, True, "1", None]),
        (
            {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "boolean"}},
            [[True, False]],
            [[True], [1, True], 5],
        ),
    ],
)
def test_values_are_asked_as_their_rules_say(rule: object, kept: list[object], broken: list[object]) -> None:
    """Yes to nothing that breaks its rule; what is valid and odd (5.0 for an integer) is left to others."""
    check = quick(json.loads(json.dumps(schema(x=rule))))
    assert check is not None

    assert [check.keep({"x": value}) for value in kept] == [True] * len(kept)
    assert [check.keep({"x": value}) for value in broken] == [False] * len(broken)


def test_other_fields_than_the_schema_names_are_unknown() -> None:
    """One more is no yes, one less neither, nor another in place of one."""
    check = quick({**schema(x=TEXT, y=TEXT)})
    assert check is not None

    assert check.keep({"x": "a", "y": "b"})
    assert not check.keep({"x": "a", "y": "b", "z": "c"})
    assert not check.keep({"x": "a"})
    assert not check.keep({"x": "a", "z": "c"})


@pytest.mark.parametrize(
    "odd",
    [
        True,
        {**schema(x=TEXT), "minProperties": 3},
        {**schema(x=TEXT), "if": {}, "then": {}},
        schema(x={"type": "string", "format": "date"}),
        schema(x={"type": "string", "pattern": "a"}),
        schema(x={"type": "string", "pattern": "^a.$"}),
        schema(x={"type": "string", "pattern": r"^\\w$"}),
        schema(x={"type": "string", "pattern": "^a$|b$"}),
        schema(x={"type": ["string", "integer"]}),
        schema(x={"enum": [1, 2]}),
        schema(x={"const": 5}),
        schema(x={}),
        schema(x={"type": "array", "items": {"type": "string"}}),
        schema(x={"type": "array", "minItems": 1, "maxItems": 1, "items": {"enum": [1]}}),
        schema(x={"type": "object"}),
    ],
)
def test_schema_that_says_more_has_none(odd: dict[str, object] | bool) -> None:
    """A keyword that is not known is never passed over."""
    assert quick(odd) is None
