"""Laws of captures: what is written is read back, whatever it was."""

import json

from hypothesis import example, given
from hypothesis import strategies as st

from bridge.formats.capture import capture
from bridge.letters.remainder import elements
from bridge.model import Delivery
from bridge.sources.lines.capture import delivery_of

text = st.text(max_size=20)
scalar = st.none() | st.booleans() | st.integers() | st.floats() | text
value = st.recursive(
    scalar, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4), max_leaves=10
)
exact = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=5,
)
body = (
    st.binary(max_size=200)
    | value.map(lambda one: json.dumps(one).encode())
    | value.map(lambda one: json.dumps(one, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))
)
delivery = st.builds(
    Delivery,
    body,
    st.none() | text,
    st.none() | text,
    st.dictionaries(text, exact, max_size=3),
    text,
    received_at=st.none() | st.floats(0, 253_402_300_800, exclude_min=True, exclude_max=True),
)


@given(delivery)
@example(Delivery(b'{"type": "x"}', headers={"type": "y", "n": 10**30}))
@example(Delivery(b"-0"))
@example(Delivery(b'{"a": 1.0, "b": 12345678901234567890.0}'))
def test_a_captured_delivery_is_read_back_the_same(one: Delivery) -> None:
    """Body byte for byte, content type and encoding, headers, routing key and time; and it is one line."""
    line = capture(one)
    assert b"\n" not in line
    assert delivery_of(line) == one


@given(st.lists(value, max_size=6), st.sampled_from([None, 2]))
def test_elements_of_a_list_are_its_elements(values: list[object], indent: int | None) -> None:
    """Each with its own bytes, however the list is written."""
    written = json.dumps(values, indent=indent)
    found = elements(written.encode())
    assert [json.dumps(json.loads(one)) for one in found] == [json.dumps(one) for one in values]
