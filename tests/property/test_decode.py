"""Laws of decode over any bytes and any JSON."""

import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.decode import decode
from bridge.model import Delivery, Event, Failure

REASONS = {"content-type", "too-large", "decode", "shape"}

text = st.text(st.characters(exclude_categories=()), max_size=12)  # lone surrogates too
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**70), 2**70)
    | st.integers(-(10**50), 10**50)
    | st.floats()
    | text
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4), max_leaves=12
)
events = st.dictionaries(text, values, max_size=6).flatmap(
    lambda fields: text.map(lambda kind: {**fields, "type": kind})
)
layouts = st.sampled_from([{}, {"separators": (",", ":")}, {"indent": 1}, {"separators": (" ,\t", "\r\n: ")}])


def mended(value: Any) -> Any:
    """What decode promises to make of a value that Python's json wrote."""
    if isinstance(value, dict):
        return {mended(name): mended(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [mended(inner) for inner in value]
    if isinstance(value, str):
        return re.sub("[\ud800-\udfff]", "�", value)
    if isinstance(value, float) and not -float("inf") < value < float("inf"):
        return None
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return str(value)
    return value


def same(left: Any, right: Any) -> bool:
    """Equal, types included, in order."""
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(same(left[name], right[name]) for name in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and left == right


def is_lawful(events: list[Event], failures: list[Failure], delivery: Delivery) -> bool:
    """What holds for whatever decode returns."""
    places = [event.index for event in events] + [failure.index for failure in failures]
    assert len(set(places)) == len(places)
    assert None not in places or len(places) == 1
    assert {failure.reason for failure in failures} <= REASONS
    for event in events:
        assert type(event.type) is str
        assert event.fields["type"] == event.type
        assert event.delivery is delivery
        json.dumps(event.fields, allow_nan=False).encode()
    return True


@given(events, layouts)
def test_what_python_writes_is_read_repaired(event: dict[str, Any], layout: dict[str, Any]) -> None:
    """Any object that json.dumps can write, in any layout, is read as json.loads would, but for the repairs."""
    body = json.dumps(event, **layout).encode()
    found, failures = decode(Delivery(body, "application/json", "utf-8"))
    assert failures == []
    assert same(found[0].fields, mended(json.loads(body)))


@given(st.lists(events | values, max_size=5))
def test_list_is_its_places(places: list[Any]) -> None:
    """A place of a list is decoded as if it had come alone."""
    delivery = Delivery(json.dumps(places).encode())
    found, failures = decode(delivery)
    assert is_lawful(found, failures, delivery)
    assert sorted([event.index or 0 for event in found] + [failure.index or 0 for failure in failures]) == list(
        range(len(places))
    )
    for event in found:
        alone = decode(Delivery(json.dumps(places[event.index or 0]).encode()))[0]
        assert same(alone[0].fields, event.fields)


@given(events, st.data())
def test_mutated_body_is_read_or_refused(event: dict[str, Any], data: st.DataObject) -> None:
    """Whatever bytes change on the way, there are events or failures, and never both answers for one text."""
    body = bytearray(json.dumps(event, ensure_ascii=data.draw(st.booleans())).encode("utf-8", "replace"))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body)))
        body[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.binary(max_size=3) | st.sampled_from([b"NaN", b"[", b"]", b'"', b"\\ud800", b"9" * 25, b"-Infinity"])
        )
    delivery = Delivery(bytes(body))
    found, failures = decode(delivery)
    assert is_lawful(found, failures, delivery)
    try:
        strict = json.loads(body)
    except (ValueError, RecursionError):
        assert found == []  # what even Python's lenient json cannot read is never repaired into something
    else:
        if isinstance(strict, dict) and found:
            assert same(found[0].fields, mended(strict))


labels = (
    st.none()
    | st.text(max_size=12)
    | st.sampled_from(["application/json", "utf-16", "zlib", "UTF-8", "utf-8; charset=x"])
)


@given(
    st.binary(max_size=200),
    labels,
    labels,
    st.dictionaries(
        st.sampled_from(["compression", "x"]),
        st.text(max_size=5) | st.integers() | st.sampled_from(["gzip", "bzip2", "xz"]),
    ),
)
def test_nothing_raises(
    body: bytes, content_type: str | None, content_encoding: str | None, headers: dict[str, Any]
) -> None:
    """Any bytes under any names."""
    delivery = Delivery(body, content_type, content_encoding, headers)
    assert is_lawful(*decode(delivery), delivery)
