"""Which events are folded, and what they learn of their task."""

from typing import Any

from bridge.enrich import KINDS, KINDS_KEPT, NOTHING, enrich, kind_of
from bridge.loss import Losses
from bridge.model import Context
from bridge.state import ClusterState
from tests.unit.making import decoded, event, received, sent, started
from tests.unit.state.celery_answer import identity


def enriched(state: ClusterState, *events: dict[str, Any]) -> Context:
    """What the last of the events learns."""
    context = NOTHING
    for number, fields in enumerate(events):
        context = enrich(decoded(fields), identity(number), "2026-11-20T11:47:55.123Z", state)
    return context


def test_task_event_learns_what_the_events_before_it_said() -> None:
    """task-started has no name: it learns it from task-sent."""
    context = enriched(ClusterState(), sent(1.0), received(2.0), started(3.0))

    assert context.state == "STARTED"
    assert context.known["name"] == "app.add"
    assert context.known["queue"] == "celery"
    assert context.complete


def test_custom_event_learns_of_the_task_whose_uuid_it_carries() -> None:
    """`Task.send_event("order-paid")` inside a task carries its uuid; it changes nothing of the task."""
    context = enriched(ClusterState(), received(1.0), event("order-paid", 2.0, name="fake", state="PAID"))

    assert context.state == "RECEIVED"
    assert context.known["name"] == "app.add"


def test_event_of_no_known_task_learns_nothing() -> None:
    """Worker events never, custom events without a uuid or with an unknown one."""
    state = ClusterState()

    assert enriched(state, received(1.0), event("worker-heartbeat", 2.0)) is NOTHING
    assert enriched(state, event("order-paid", 2.0, uuid="unknown")) is NOTHING
    assert enriched(state, event("order-paid", 2.0, uuid=None)) is NOTHING
    assert enriched(state, event("order-paid", 2.0, uuid=["odd"])) is NOTHING
    assert len(state) == 1


def test_worker_event_is_folded() -> None:
    """It makes its worker known."""
    state = ClusterState()
    enriched(state, event("worker-online", 1.0, freq=2.0, active=0))

    assert state.workers["celery@w1"].freq == 2.0


def test_type_is_split_at_its_first_dash() -> None:
    """As Celery does; a type without one is all group."""
    assert kind_of("task-sent") == ("task", "sent")
    assert kind_of("task-my-progress") == ("task", "my-progress")
    assert kind_of("deploy") == ("deploy", "")


def test_types_remembered_are_bounded() -> None:
    """Types come from users: a million of them must not fill the memory."""
    for number in range(KINDS_KEPT + 10):
        kind_of(f"custom-{number}")

    assert len(KINDS) <= KINDS_KEPT


def test_what_a_worker_counts_is_compared_with_what_was_seen() -> None:
    """Two starts were processed that nobody saw; the second heartbeat confirms it."""
    state, losses = ClusterState(), Losses()
    heartbeats = [event("worker-heartbeat", float(at), processed=n) for at, n in ((1, 0), (3, 3), (4, 3))]
    for number, fields in enumerate([heartbeats[0], started(2.0), *heartbeats[1:]]):
        enrich(decoded(fields), identity(number), "2026-11-20T11:47:55.123Z", state, losses)

    assert losses.starts == 2
