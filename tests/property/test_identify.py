"""Laws of the id over everything that decode can return."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.decode import decode
from bridge.identify import event_id, made_id
from bridge.model import Delivery
from tests.property.test_validate import events
from tests.unit.test_identify import specified

times = st.floats(0.001, 32503680000) | st.integers(1, 32503680000)
sound = st.fixed_dictionaries(
    {"type": st.text(max_size=5), "hostname": st.text(max_size=5), "timestamp": times},
    optional={
        "pid": st.integers(0, 2**63 - 1) | st.none(),
        "clock": st.integers(0, 2**63 - 1) | st.none(),
        "uuid": st.text(max_size=5) | st.none(),
        "x": st.integers() | st.floats(),
    },
)


@given(events | sound)
def test_id_is_the_specified_one(fields: dict[str, Any]) -> None:
    """Of any event, valid or not, and of any order of its fields."""
    (event,), _ = decode(Delivery(json.dumps(fields).encode()))
    identifier = event_id(event.fields)
    assert identifier == specified(event.fields)
    assert identifier == event_id(dict(reversed(event.fields.items())))


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_made_ids_differ_when_their_parts_do(left: list[str], right: list[str]) -> None:
    """However the parts are cut."""
    assert (made_id(1.0, *left) == made_id(1.0, *right)) == (left == right)
