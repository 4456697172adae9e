"""What of a dead letter is sent again."""

import json
import zlib

import pytest

from bridge.letters import Letter, remainder
from bridge.letters.remainder import elements
from bridge.model import Delivery


def letter(body: bytes, *indexes: int, **given: object) -> Letter:
    """Of a body whose events at these indexes failed."""
    return Letter("x", "c", "schema", "", "", "", indexes, 1.0, Delivery(body, **given), len(body))  # type: ignore[arg-type]


def test_only_the_failed_events_come_again() -> None:
    """With their own bytes, in their order."""
    body = b' [ {"a" : 1.0e2}, {"b": [1, {"c": ","}]} ,{"d":"]\\""},4 ] '
    assert remainder(letter(body, 1, 3)).body == b'[{"b": [1, {"c": ","}]},4]'
    assert remainder(letter(body, 0, 2)).body == b'[{"a" : 1.0e2},{"d":"]\\""}]'


def test_what_the_delivery_carried_goes_with_them() -> None:
    """But a compression and a charset that they no longer have."""
    body = zlib.compress("[1, 2, 3]".encode("utf-16"))
    given = {"content_encoding": "utf-16", "headers": {"compression": "zlib", "a": 1}, "routing_key": "k"}
    again = remainder(letter(body, 1, received_at=5.0, **given))
    assert again == Delivery(b"[2]", "application/json", "utf-8", {"a": 1}, "k", received_at=5.0)


@pytest.mark.parametrize(
    ("body", "indexes"), [(b'{"a": 1}', (0,)), (b"nonsense", ()), (b"[1, 2", ()), (b"[1]", (7,)), (b"", (0,))]
)
def test_all_else_comes_again_as_it_is(body: bytes, indexes: tuple[int, ...]) -> None:
    """A single event, what could not be read, and letters that say what cannot be."""
    one = letter(body, *indexes)
    assert remainder(one) is one.delivery


@pytest.mark.parametrize("value", [[], [1], [[], {}, "", "[", "\\", '"', None], [[[1, 2], 3], {"a": [4, {"b": 5}]}]])
def test_elements_are_those_of_the_list(value: list[object]) -> None:
    """However it is spaced."""
    for text in (json.dumps(value), json.dumps(value, indent=2), json.dumps(value, separators=(",", ":"))):
        assert [json.loads(element) for element in elements(text.encode())] == value
