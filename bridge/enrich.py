"""Stage: fold an event into the state and say what the state knows that the event lacks."""

from sys import intern
from typing import Final

from bridge.loss import Losses
from bridge.model import Context, Event
from bridge.names import UUID
from bridge.state import ClusterState

NOTHING: Final = Context(state="", known={})
"""Of an event that belongs to no known task: worker events, custom events without a task's uuid."""

KINDS: Final[dict[str, tuple[str, str]]] = {}
"""Event type -> (group, subject), split once per type; bounded because types come from users."""

KINDS_KEPT: Final = 4096


def kind_of(event_type: str) -> tuple[str, str]:
    """The two halves of a type at its first dash: `task-sent` -> `("task", "sent")` (celery.events.state.State)."""
    kind = KINDS.get(event_type)
    if kind is None:
        if len(KINDS) >= KINDS_KEPT:
            KINDS.clear()
        group, _, subject = event_type.partition("-")
        kind = KINDS[event_type] = intern(group), intern(subject)  # that they are a constant is seen at one glance
    return kind


def enrich(event: Event, event_id: str, event_time: str, state: ClusterState, losses: Losses | None = None) -> Context:
    """
    Fold one valid event into `state`, what a worker counts into `losses`, and return what is now known of its task.

    A custom event of another group changes nothing, but learns of the task whose uuid it carries.

    Args:
        event: valid by its schema; not mutated.
        event_id: as `identify.event_id` made it.
        event_time: the event's timestamp as the record shows it.
        state, losses: the chain's own; mutated.

    Cost: 1.3 to 1.5 us (tests/bench).
    """
    kind = KINDS.get(event.type)
    if kind is None:
        kind = kind_of(event.type)
    group, subject = kind
    if group == "task":
        return state.fold_task(subject, event.fields, event_id, event_time, event.delivery.received_at) or NOTHING
    if group == "worker":
        worker = state.fold_worker(subject, event.fields, event.delivery.received_at)
        if losses is not None:
            losses.report(subject, event.fields, worker.starts)
        return NOTHING
    uuid = event.fields.get(UUID)
    return (state.task(uuid) if isinstance(uuid, str) else None) or NOTHING
