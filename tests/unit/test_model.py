"""Tests of bridge.model: its names are what every stage and end is written against."""

import ast
import dataclasses
from pathlib import Path
from typing import Any

import pytest

from bridge.model import Context, Delivery, Event, Failure, Gap, Record, Tally

PACKAGE = Path(__file__).parents[2] / "bridge"

FIELDS: dict[Any, tuple[str, ...]] = {
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
    Event: ("type", "fields", "delivery", "index", "names"),
    Failure: ("reason", "error", "index", "path", "schema"),
    Context: ("state", "known", "complete", "shape"),
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
    assert noun.__dictoffset__ == 0


def test_defaults_are_not_shared() -> None:
    """Headers of one delivery are not those of the next; a record's cannot be added to."""
    assert Delivery(b"").headers is not Delivery(b"").headers
    assert Record(b"").headers == ()


def test_record_stands_for_one_event_unless_it_says_otherwise() -> None:
    """The accounts count records by the events they stand for."""
    assert Record(b"").events == 1
    assert Tally() == Tally(0, 0, 0, 0)


# A Context is made again for every event, a Tally adds up, and an Event's `names` is a note about it.
NOUNS = {noun.__name__.lower(): names for noun, names in FIELDS.items() if noun not in {Context, Tally}}
NOUNS["event"] = tuple(name for name in FIELDS[Event] if name != "names")


def test_nothing_changes_a_noun_that_was_handed_on() -> None:
    """They are not frozen, for speed: instead nobody but a source, which fills in what it makes, assigns to a field."""
    found = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        module = path.relative_to(PACKAGE).as_posix()
        for node in ast.walk(ast.parse(path.read_text())) if not module.startswith("sources/") else ():
            if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
                field, root = "", node.value if isinstance(node, ast.Subscript) else node
                while isinstance(root, ast.Attribute | ast.Subscript):  # event.delivery.headers["x"] = ...
                    field, root = root.attr if isinstance(root, ast.Attribute) else "", root.value
                if isinstance(root, ast.Name) and field in NOUNS.get(root.id, ()):
                    found.add(f"{module}:{node.lineno}: {ast.unparse(node)}")

    assert found == set()
