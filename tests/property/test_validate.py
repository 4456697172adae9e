"""Laws of validation over everything that decode can return."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.decode import decode
from bridge.model import Delivery
from bridge.validate import Schemas
from bridge.validate.files import bundled, compiled
from bridge.validate.quick import quick
from tests.property.test_decode import values

SCHEMAS = Schemas.load()
NAMES = sorted(set().union(*(SCHEMAS.documented(name) for name in SCHEMAS.types())) - {"type"})
SECRET = "hunter2-hunter2"

kinds = st.sampled_from([*SCHEMAS.types(), "order-paid", ""]) | st.text(max_size=5)
valid = {"hostname": "w@h", "timestamp": 1.5, "pid": 1, "clock": 1, "utcoffset": 0, "uuid": "u"}
events = st.builds(
    lambda base, odd, kind: {**base, **odd, "type": kind},
    st.sampled_from([{}, valid]),
    st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), values | st.just(SECRET), max_size=6),
    kinds,
)

RULES = {name: json.loads(text) for name, text in bundled().items()}
VALIDATORS = compiled(RULES, RULES, {})
QUICK = {name: check for name, check in ((name, quick(rules)) for name, rules in RULES.items()) if check is not None}
ODD = st.sampled_from(
    [
        "2026-11-20",
        "2026-11-20T11:47:56.000001+00:00",
        "2026-11-20T11:47:56Z\n",
        None,
        True,
        False,
        0,
        -1,
        1,
        5.0,
        2**63,
        2**64 - 1,
        16,
        -15,
        3e10,
        1e300,
        "",
        "a",
        [],
        {},
        [0.5] * 3,
    ]
)
TYPICAL = {"integer": 1, "number": 0.5, "boolean": True, "string": "a", "array": [0.5, 1, 0.0], "null": None}


def typical(name: str) -> dict[str, Any]:
    """An event with all fields of a schema; null where a field may be."""
    rules = RULES[name]
    fields = {}
    for key, rule in rules["properties"].items():
        kinds = {**rule, **rules["$defs"].get(rule.get("$ref", "")[len("#/$defs/") :], {})}.get("type", "string")
        fields[key] = name if key == "type" else None if "null" in kinds else TYPICAL[kinds]
    return fields


WHOLE = {name: typical(name) for name in QUICK}


@given(events)
def test_every_event_has_an_answer(fields: dict[str, Any]) -> None:
    """`check` is the first of `violations`, both without an exception, a value or a line break; nothing changes."""
    (event,), _ = decode(Delivery(json.dumps(fields).encode()))
    before = json.dumps(event.fields)
    violations = SCHEMAS.violations(event)
    assert SCHEMAS.check(event) == (violations[0] if violations else None)
    assert [violation.path for violation in violations] == sorted(violation.path for violation in violations)
    for violation in violations:
        assert violation.reason == "schema"
        assert violation.schema in {f"{event.type}.json", "event.json"}
        assert SECRET not in violation.error + violation.path
        assert (violation.error + violation.path).isprintable()
    assert SCHEMAS.misfits(event) <= SCHEMAS.documented(event.type)
    assert violations or not SCHEMAS.misfits(event)
    assert json.dumps(event.fields) == before


@settings(max_examples=400)
@given(st.sampled_from(sorted(QUICK)), st.data())
def test_quick_yes_is_a_yes_of_the_schema(name: str, data: st.DataObject) -> None:
    """Whatever became of an event's values and fields, the quick check accepts none that its schema refuses."""
    fields = {key: value for key, value in WHOLE[name].items() if key != "type"}
    for _ in range(data.draw(st.integers(0, 3))):
        key = data.draw(st.sampled_from([*sorted(fields), "x"]))
        if data.draw(st.integers(0, 9)) == 0:
            fields.pop(key, None)
        else:
            fields[key] = data.draw(ODD)
    fields["type"] = name  # by which the check was found
    accepted = QUICK[name].keep(fields)

    if accepted:
        assert fields.keys() == RULES[name]["properties"].keys()
        assert VALIDATORS[name].is_valid(fields)
    if {key: repr(value) for key, value in fields.items()} == {key: repr(value) for key, value in WHOLE[name].items()}:
        assert accepted
