"""Laws of validation over everything that decode can return."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.decode import decode
from bridge.model import Delivery
from bridge.validate import Schemas
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
