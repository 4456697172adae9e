"""The quick look at ordinary messages: what it takes is what decode gives, the rest it leaves alone."""

import json
from typing import Any

import pytest

from bridge.decode import MAX_BODY_BYTES, MAX_DEPTH, MAX_EVENTS, MAX_KEYS, decode, glance, harmless
from bridge.decode.events import KEYS_POSSIBLE
from bridge.decode.glance import CROWD
from bridge.model import Delivery, Event
from tests.captures import FILES, deliveries


def seen(delivery: Delivery) -> list[Event] | None:
    """What a glance takes; None where it leaves the delivery to decode."""
    events: list[Event] = []
    if glance(delivery, events):
        return events
    assert events == []
    return None


def body(*values: Any) -> bytes:
    """A list of them, as JSON."""
    return json.dumps(list(values)).encode()


@pytest.mark.parametrize(
    "text",
    [
        b'{"type": "a"}',
        b'[{"type": "a"}, {"type": "b", "x": [1]}]',
        b"[]",
        b'{"type": "a", "traceback": "%b"}' % (b"[{" * (CROWD // 2 - 1) + b" " * 2 * KEYS_POSSIBLE),
    ],
    ids=["object", "list", "empty", "large"],
)
def test_ordinary_deliveries_are_taken(text: bytes) -> None:
    """An object is one event without an index, a list has 0..n with theirs."""
    delivery = Delivery(text, "application/json", "utf-8")
    assert seen(delivery) == decode(delivery)[0]


@pytest.mark.parametrize(
    "delivery",
    [
        Delivery(b"{}"),
        Delivery(b'{"type": 5}'),
        Delivery(b"5"),
        Delivery(b"{"),
        Delivery(b'{"type": "a", "x": NaN}'),
        Delivery(body({"type": "a"}, {"type": None})),
        Delivery(body({"type": "a"}, 5)),
        Delivery(body(*[0] * (MAX_EVENTS + 1))),
        Delivery(b'{"type": "a"}', "application/x-yaml"),
        Delivery(b'{"type": "a"}', "application/json", "latin-1"),
        Delivery(b'{"type": "a"}', "application/json", "utf-8", {"compression": "gzip"}),
        Delivery(b'{"type": "a", "x": "%b", "y": "%b"}' % (b" " * KEYS_POSSIBLE, b"[{" * (CROWD // 2))),
        Delivery(b'{"type": "a"%b}' % (b" " * MAX_BODY_BYTES)),
        Delivery(b" " * (MAX_BODY_BYTES + 1)),
    ],
)
def test_the_rest_is_left_to_decode(delivery: Delivery) -> None:
    """What is wrong, packed, repaired or large takes more than a glance."""
    assert seen(delivery) is None


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_harmless_text_gives_what_decode_gives(path: Any) -> None:
    """Over everything that real workers sent."""
    for _, delivery in deliveries(path):
        events = seen(delivery)
        if events is not None and all(harmless(event) for event in events):
            assert (events, []) == decode(delivery)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'{"type": "a", "x": 9223372036854775807}', True),
        (b'{"type": "a", "x": 18446744073709551616}', False),
        (b'{"type": "a", "x": -9223372036854775809}', False),
        (b'{"type": "a", "x": "18446744073709551616"}', True),
        (b'{"type": "a", "x": ' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}", True),
        (b'{"type": "a", "x": ' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}", False),
        (b'{"type": "a", "x": "' + b"[" * (CROWD - 1) + b'", "y": 1.5}', True),
        (b'{"type": "a", "x": 1.8e19}', True),  # no integer, and only its text shows it
        (b'{"type": "a", "x": [18446744073709551616]}', False),
        (b'{"type": "a", "x": []}', True),
        (b'{"type": "a", "x": "' + b" " * KEYS_POSSIBLE + b'"}', True),
        (b'{"type": "a", "x": {"y": "' + b" " * KEYS_POSSIBLE + b'"}}', False),  # who counts its names?
        (json.dumps({"type": "a", **{str(n): 0 for n in range(MAX_KEYS - 1)}}).encode(), True),
        (json.dumps({"type": "a", **{str(n): 0 for n in range(MAX_KEYS)}}).encode(), False),
    ],
)
def test_harm_is_in_numbers_and_nesting(text: bytes, expected: bool) -> None:
    """Integers beyond 64 bits and too many brackets; in strings digits do no harm."""
    events = seen(Delivery(text))

    assert events is not None
    assert [harmless(event) for event in events] == [expected]
