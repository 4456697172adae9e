"""Events that violate their schema, as they are written."""

from typing import Any

import orjson

from bridge.formats.raw import raw
from bridge.formats.tagged import AsSent
from bridge.model import Context, Event
from bridge.validate import Policy
from tests.records import assert_record
from tests.unit.making import SCHEMAS, decoded, native, started, tagging

ID = "018bcfe5-69f4-77b4-a2f4-606265c71c50"
TIME = "2026-11-20T12:29:54.478Z"
NOTHING = Context("", {})


def tagged(fields: dict[str, Any]) -> Event:
    """As the policy forwards it."""
    event = Policy("tag", SCHEMAS).forwarded(decoded(fields))
    assert event is not None
    return event


def written(fields: dict[str, Any]) -> dict[str, Any]:
    """The record of an invalid event, checked against record.json."""
    return assert_record(tagging()(tagged(fields), NOTHING, ID, TIME, TIME))


def test_a_valid_event_is_written_as_ever() -> None:
    """Byte for byte what the format writes without tags."""
    event = decoded(started())
    assert tagging()(event, NOTHING, ID, TIME, TIME) == native()(event, NOTHING, ID, TIME, TIME)


def test_what_does_not_fit_stands_in_extra_with_the_reason() -> None:
    """Beside what nobody documented; all else is where it always is."""
    record = written({**started(), "uuid": 5, "odd": 1})
    assert record["extra"] == {"uuid": 5, "odd": 1}
    assert "uuid" not in record
    assert record["hostname"] == started()["hostname"]
    assert record["violations"] == [{"path": "/uuid", "error": "not of type string", "schema": "task-started.json"}]


def test_a_time_that_is_none_leaves_no_time() -> None:
    """The stand-in is for sorting only; no record says that the sender said so."""
    record = written({**started(), "timestamp": "noon"})
    assert record["extra"] == {"timestamp": "noon"}
    assert record.keys().isdisjoint({"timestamp", "event_time", "skew_seconds"})
    record = written({"type": "order-paid"})
    assert record.keys().isdisjoint({"timestamp", "event_time", "extra"})


def test_a_type_that_breaks_the_rules_stays_the_type() -> None:
    """A record has one type, whatever it is."""
    record = written({**started(), "type": "a\nb"})
    assert record["type"] == "a\nb"
    assert record["violations"][0]["path"] == "/type"


def test_other_formats_write_what_was_sent() -> None:
    """They have no place for a mark."""
    fields = {**started(), "timestamp": "noon", "uuid": 5}
    assert orjson.loads(AsSent(raw)(tagged(fields), NOTHING, ID, TIME, TIME)) == fields
    good = decoded(started())
    assert AsSent(raw)(good, NOTHING, ID, TIME, TIME) == raw(good, NOTHING, ID, TIME, TIME)
