"""The whole state: who is a worker, and what leaves when it is full."""

from bridge.state import ClusterState
from tests.unit.state.celery_answer import celery_state, event, fold, our_state, received, sent


def uuids(state: ClusterState, *candidates: str) -> list[str]:
    """Those of the candidates that the state still holds."""
    return [uuid for uuid in candidates if state.task(uuid) is not None]


def test_client_that_sent_a_task_is_no_worker() -> None:
    """Case 5: Celery files the tasks of a client that only sent them under its name, as if it were a worker."""
    trace = [sent(1), received(2)]
    theirs = celery_state(trace)

    assert list(theirs.tasks_by_worker) == ["gen9@c"]
    assert list(our_state(trace).workers) == ["celery@w1"]


def test_custom_task_event_makes_no_phantom_worker() -> None:
    """Case 5: Celery makes a worker of any client that sends a custom task event."""
    trace = [event("task-progress", 1, hostname="gen9@c")]

    assert list(celery_state(trace).workers) == ["gen9@c"]
    assert list(our_state(trace).workers) == []


def test_ended_tasks_leave_first_then_the_least_recently_touched() -> None:
    """A task that still runs is the one that somebody will ask about; Celery lets go of the oldest first."""
    state = ClusterState(max_tasks=3)
    for number, one in enumerate(
        [
            received(1, "long"),
            received(2, "ended"),
            event("task-succeeded", 3, uuid="ended", runtime=1.0),
            received(4, "idle"),
            event("task-started", 5, uuid="long"),
            received(6, "new"),
        ]
    ):
        fold(state, one, number)
    assert uuids(state, "long", "idle", "new", "ended") == ["long", "idle", "new"]

    fold(state, event("task-started", 7, uuid="long"), 7)
    fold(state, event("task-started", 7, uuid="new"), 8)
    fold(state, received(8, "newest"), 9)

    assert uuids(state, "long", "idle", "new", "newest") == ["long", "new", "newest"]
    assert state.evicted == 2
    assert len(state) == 3


def test_task_that_runs_again_is_no_longer_first_to_leave() -> None:
    """An ended task that is received and started again counts as running."""
    state = ClusterState(max_tasks=2)
    trace = [
        received(1, "again"),
        event("task-succeeded", 2, uuid="again", runtime=1.0),
        received(3, "again"),
        event("task-started", 4, uuid="again"),
        received(5, "b"),
        event("task-succeeded", 6, uuid="b", runtime=1.0),
        received(7, "c"),
    ]
    for number, one in enumerate(trace):
        fold(state, one, number)

    assert uuids(state, "again", "b", "c") == ["again", "c"]


def test_workers_are_bounded() -> None:
    """Node names come from whoever may publish: the one not heard for the longest time leaves."""
    state = ClusterState(max_workers=2)
    for number, hostname in enumerate(["a@h", "b@h", "a@h", "c@h"]):
        state.fold_worker("heartbeat", event("worker-heartbeat", number + 1, hostname=hostname), None)

    assert list(state.workers) == ["a@h", "c@h"]


def test_task_event_without_uuid_belongs_to_no_task() -> None:
    """A custom task event sent outside a task carries a null uuid: no task is made of it."""
    state = ClusterState()

    assert state.fold_task("progress", event("task-progress", 1, uuid=None), "0" * 36, "t", None) is None
    assert len(state) == 0


def test_state_of_no_room_at_all_holds_nothing() -> None:
    """max_tasks 0 switches the memory off; events still pass."""
    state = our_state([received(1), event("task-succeeded", 2, runtime=1.0)], max_tasks=0)

    assert len(state) == 0
    assert state.evicted == 2


def test_starts_are_counted_once_each() -> None:
    """For the whole cluster and for its worker; an event that comes again is not another start."""
    state = ClusterState()
    for number in (1, 2, 2):
        fold(state, event("task-started", 1.0, uuid=f"u{number}"), number)
    fold(state, event("task-succeeded", 2.0, uuid="u1", runtime=1.0), 3)
    assert state.starts == 2
    assert state.workers["celery@w1"].starts == {7: 2}
