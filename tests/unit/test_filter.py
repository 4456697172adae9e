"""What is delivered when filters are given."""

from typing import Any

import pytest

from bridge.filter import Filter, Patterns
from bridge.model import Context, Event
from tests.unit.making import decoded, event, received, started

NONE = Patterns()


def passes(fields: dict[str, Any], *, types: Patterns = NONE, tasks: Patterns = NONE, workers: Patterns = NONE) -> bool:
    """Whether an event of a task that the state knows as app.known is delivered."""
    name = {"name": "app.known"} if fields["type"].startswith("task-") else {}
    return Filter(types, tasks, workers)(decoded(fields), Context("STARTED", name))


HEARTBEAT = event("worker-heartbeat", 1.0, uuid=None)


@pytest.mark.parametrize(
    ("given", "fields", "delivered"),
    [
        ({}, started(), True),
        ({"types": Patterns(("task-*",))}, started(), True),
        ({"types": Patterns(("task-*",))}, HEARTBEAT, False),
        ({"types": Patterns(("worker-*", "task-st*"))}, started(), True),
        ({"types": Patterns((), ("task-s*",))}, started(), False),
        ({"types": Patterns(("task-*",), ("task-started",))}, started(), False),
        ({"types": Patterns(("TASK-*",))}, started(), False),
        ({"tasks": Patterns(("app.*",))}, started(), True),
        ({"tasks": Patterns(("other.*",))}, started(), False),
        ({"tasks": Patterns(("app.own",))}, received(1, name="app.own"), True),
        ({"tasks": Patterns(("app.*",))}, HEARTBEAT, False),
        ({"tasks": Patterns((), ("app.known",))}, started(), False),
        ({"tasks": Patterns((), ("app.known",))}, HEARTBEAT, True),
        ({"workers": Patterns(("celery@w?",))}, started(), True),
        ({"workers": Patterns(("celery@x*",))}, started(), False),
    ],
)
def test_filter_passes_what_is_wanted_and_not_unwanted(
    given: dict[str, Patterns], fields: dict[str, Any], delivered: bool
) -> None:
    """Shell patterns on type, task name and node name; all kinds given must agree."""
    assert passes(fields, **given) is delivered


def test_filter_takes_no_name_from_a_custom_event() -> None:
    """A field `name` of a custom event is no task's name."""
    fields = event("order-paid", 1.0, name="app.fake")

    assert not Filter(NONE, Patterns(("app.fake",)), NONE)(decoded(fields), Context("", {}))


def test_filter_without_patterns_looks_at_nothing() -> None:
    """It passes whatever comes, even what has none of the fields."""
    odd = Event("x", {}, decoded(started()).delivery, None)

    assert Filter(NONE, NONE, NONE)(odd, Context("", {}))
