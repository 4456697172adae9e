"""What becomes of an event that violates its schema."""

import pytest

from bridge.model import Failure, OwnFault, Tagged
from bridge.testing import FakeClock
from bridge.validate import EVERY_TYPE, Policy
from tests.unit.making import RECEIVED_AT, SCHEMAS, decoded, started

VIOLATION = Failure("schema", "not of type string", 1, "/uuid", "task-started.json")
NO_EVENT = Failure("shape", "not an object", 0)
FAULT = OwnFault("schema", "internal error: KeyError", 2)


@pytest.mark.parametrize("name", ["dead-letter", "drop", "fail"])
def test_only_tag_forwards(name: str) -> None:
    """All others let an invalid event fail, and ask nothing of the types that we have schemas for."""
    policy = Policy(name, SCHEMAS)
    assert policy.forwarded(decoded({**started(), "uuid": 5})) is None
    assert "task-started" not in policy.asked
    assert not policy.tags


def test_a_tagged_event_holds_what_fits_and_what_was_sent() -> None:
    """Fields that the record cannot hold are not among its fields; the sent ones are kept whole."""
    fields = {**started(), "uuid": 5, "odd": 1}
    forwarded = Policy("tag", SCHEMAS).forwarded(decoded(fields))
    assert isinstance(forwarded, Tagged)
    assert forwarded.sent == fields
    assert forwarded.fields == {name: value for name, value in fields.items() if name != "uuid"}
    assert [failure.path for failure in forwarded.violations] == ["/uuid"]
    assert (forwarded.timed, forwarded.known_sender) == (True, True)


@pytest.mark.parametrize(("received_at", "time"), [(RECEIVED_AT, RECEIVED_AT), (None, 77.0)])
def test_when_it_was_read_stands_in_for_a_missing_time(received_at: float | None, time: float) -> None:
    """Records need a moment for their place in time; where nobody knows when it was read, that is now."""
    event = decoded({**started(), "timestamp": "noon"}, received_at)
    forwarded = Policy("tag", SCHEMAS, FakeClock(now=77.0)).forwarded(event)
    assert isinstance(forwarded, Tagged)
    assert forwarded.fields["timestamp"] == time
    assert not forwarded.timed


def test_reserved_types_are_never_forwarded() -> None:
    """Nobody else's event may look like a report of ours."""
    assert Policy("tag", SCHEMAS).forwarded(decoded({**started(), "type": "bridge-gap"})) is None


def test_the_state_learns_what_fits_of_known_senders_only() -> None:
    """Hostname and timestamp are what it is built on: an event without teaches nothing."""
    policy = Policy("tag", SCHEMAS)
    good = decoded(started())
    assert "task-started" in policy.asked
    assert policy.learned(good) is good
    tagged = policy.forwarded(decoded({**started(), "pid": "x"}))
    assert tagged is not None
    assert policy.learned(tagged) is tagged
    stranger = policy.forwarded(decoded({**started(), "hostname": None}))
    assert stranger is not None
    learned = policy.learned(stranger)
    assert (learned.type, learned.fields) == ("", {})


def test_drop_keeps_only_our_own_faults() -> None:
    """What is wrong with the sender's events is counted; what is wrong with us is no reason to lose one."""
    failures: list[Failure] = [NO_EVENT, VIOLATION, FAULT]
    assert Policy("drop", SCHEMAS).kept(failures) == [FAULT]
    assert Policy("dead-letter", SCHEMAS).kept(failures) == failures


def test_fail_tells_of_the_first_violation() -> None:
    """By schema, place and rule, without a value; what is no event, and our own fault, ends nothing."""
    policy = Policy("fail", SCHEMAS)
    assert policy.fatal([NO_EVENT, FAULT]) is None
    error = policy.fatal([NO_EVENT, VIOLATION])
    assert error is not None
    assert error.exit_code == 65
    assert "violates task-started.json, event 1 of its list: /uuid is not of type string" in str(error)
    assert Policy("tag", SCHEMAS).fatal([VIOLATION]) is None


def test_every_type_holds_any_name() -> None:
    """So that each event is asked about."""
    assert "anything" in EVERY_TYPE
