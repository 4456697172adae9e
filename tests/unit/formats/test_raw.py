"""Claims about the raw format."""

import json
from typing import Any

import pytest

from bridge.formats.raw import raw
from bridge.model import Context, Delivery, Event
from tests import captures


def written(fields: dict[str, Any]) -> bytes:
    return raw(Event("task-sent", fields, Delivery(b""), None), Context("PENDING", {"name": "known"}), "id", "", "")


@pytest.mark.parametrize("path", captures.FILES, ids=lambda path: path.name)
def test_raw_is_the_event_in_the_senders_order(path: captures.Path) -> None:
    """Every captured event comes out with its fields, their values and their order."""
    for event in captures.events(path):
        line = raw(event, Context("", {}), "id", "", "")

        assert list(json.loads(line).items()) == list(event.fields.items())


def test_raw_is_compact_and_adds_nothing() -> None:
    """No white space, no escape of what JSON allows, nothing of the state."""
    assert (
        written({"type": "zażółć", "clock": None, "a": [1, 2.5]})
        == '{"type":"zażółć","clock":null,"a":[1,2.5]}'.encode()
    )


def test_raw_stays_one_line() -> None:
    """Line ends inside strings are escaped."""
    assert b"\n" not in written({"type": "a\nb", "\r\n": "\u0000"})


def test_raw_writes_what_decode_repairs_to() -> None:
    """The replacement character, a string of digits and the largest integers pass."""
    fields = {"a": "\ufffd", "b": "9" * 5000, "c": 2**64 - 1, "d": -(2**63), "e": 1e308}

    assert json.loads(written(fields)) == fields


def test_raw_writes_the_deepest_event_that_decode_lets_through() -> None:
    """Depth 64 is written."""
    nested: Any = 1
    for _ in range(63):
        nested = [nested]

    assert json.loads(written({"type": "deep", "x": nested}))["x"] == nested
