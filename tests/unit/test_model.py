"""Tests of bridge.model: its names are what every stage and end is written against."""

import dataclasses
from typing import Any

import pytest

from bridge.model import Context, Delivery, Event, Failure, Gap, Record, Tally

FIELDS = {
    Delivery: (
        "body",
        "content_type",
        "content_encoding",
        "headers",
        "routing_key",
        "redelivered",
        "received_at",
        "tag",
        "position",
    ),
    Gap: ("reason", "from_time", "to_time", "lost", "lost_exact", "position"),
    Event: ("type", "fields", "delivery", "index"),
    Failure: ("reason", "error", "index", "path", "schema"),
    Context: ("state", "known", "complete"),
    Record: ("value", "topic", "key", "timestamp_ms", "headers", "origin", "events", "index"),
    Tally: ("received", "delivered", "dead_lettered", "filtered"),
}


@pytest.mark.parametrize("noun", FIELDS, ids=lambda noun: noun.__name__)
def test_noun_has_exactly_these_fields_in_this_order(noun: Any) -> None:
    """They are made by position where speed counts: a field may be added at the end, never moved."""
    assert tuple(field.name for field in dataclasses.fields(noun)) == FIELDS[noun]


@pytest.mark.parametrize("noun", FIELDS, ids=lambda noun: noun.__name__)
def test_noun_has_slots(noun: Any) -> None:
    """A misspelt attribute is an error, and millions of them stay small."""
    assert not hasattr(object.__new__(noun), "__dict__")


def test_defaults_are_not_shared() -> None:
    """Headers of one delivery are not those of the next; a record's cannot be added to."""
    assert Delivery(b"").headers is not Delivery(b"").headers
    assert Record(b"").headers == ()


def test_record_stands_for_one_event_unless_it_says_otherwise() -> None:
    """The accounts count records by the events they stand for."""
    assert Record(b"").events == 1
    assert Tally() == Tally(0, 0, 0, 0)
