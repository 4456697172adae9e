"""One task: the seven differences from Celery (those about tasks), and what its events teach us."""

import pytest

from bridge.state.task import SHAPES_KEPT, SIGNATURE_LENGTH, SIGNATURES_KEPT, Task, _shapes, shared
from tests.compiled import COMPILED
from tests.unit.state.celery_answer import answers, celery_state, event, identity, our_state, received, sent


def known_after(*events: dict[str, object]) -> dict[str, object]:
    """What records of the task show after these events."""
    task = our_state(events).task("u1")
    assert task is not None
    return dict(task.known)


def test_rejected_ends_a_started_task() -> None:
    """Case 1: Celery leaves a rejected task STARTED for ever; ours is REJECTED."""
    trace = [received(1), event("task-started", 2), event("task-rejected", 3, requeue=False)]

    assert answers(trace) == ("STARTED", "REJECTED")


def test_rejected_ends_a_received_task() -> None:
    """Case 1: the same when task-started was never seen."""
    assert answers([received(1), event("task-rejected", 3, requeue=False)]) == ("RECEIVED", "REJECTED")


def test_started_before_the_rejection_does_not_undo_it() -> None:
    """Case 1: a task-started that only arrives after the rejection changes nothing."""
    trace = [received(1), event("task-rejected", 3, requeue=False), event("task-started", 2)]

    assert answers(trace) == ("STARTED", "REJECTED")


def test_rejected_and_requeued_task_runs_on() -> None:
    """A task that was put back is RECEIVED, STARTED and SUCCESS again."""
    trace = [
        sent(1),
        received(2),
        event("task-started", 3),
        event("task-rejected", 4, requeue=True),
        received(5),
        event("task-started", 6),
    ]

    assert answers(trace[:5]) == ("STARTED", "RECEIVED")
    assert answers(trace) == ("STARTED", "STARTED")
    assert answers([*trace, event("task-succeeded", 7, result="1", runtime=1.0)]) == ("SUCCESS", "SUCCESS")


@pytest.mark.parametrize(("end", "state"), [("task-revoked", "REVOKED"), ("task-rejected", "REJECTED")])
def test_custom_state_never_outlives_an_end_state(end: str, state: str) -> None:
    """Case 2: Celery keeps PROGRESS of a task that was revoked or rejected since."""
    trace = [received(1), event("task-started", 2), event("task-progress", 3), event(end, 4)]

    assert answers(trace) == ("PROGRESS", state)


@pytest.mark.parametrize(("end", "state"), [("task-revoked", "REVOKED"), ("task-rejected", "REJECTED")])
def test_custom_state_never_overrides_an_end_state(end: str, state: str) -> None:
    """Case 2: Celery forgets that a task was revoked when a progress event comes late."""
    trace = [received(1), event(end, 4), event("task-progress", 3)]

    assert answers(trace) == ("PROGRESS", state)


@pytest.mark.parametrize(
    ("end", "old"),
    [("task-cancelled", "CANCELLED"), ("task-succeeded", "SUCCESS"), ("task-revoked", "REVOKED")],
)
def test_task_received_and_started_again_is_a_new_run(end: str, old: str) -> None:
    """Case 3: Celery shows the old end until the new one; ours shows that the task runs again."""
    trace = [received(1), event("task-started", 2), event(end, 3, runtime=1.0, result="1")]
    again = [*trace, received(4), event("task-started", 5)]

    assert answers(trace) == (old, old)
    assert answers([*trace, received(4)]) == (old, old)
    assert answers(again) == (old, "STARTED")


def test_new_run_can_end_worse_than_the_old_one() -> None:
    """Case 3: Celery shows SUCCESS for a task whose second run failed."""
    trace = [
        received(1),
        event("task-started", 2),
        event("task-succeeded", 3, runtime=1.0, result="1"),
        received(4),
        event("task-started", 5),
        event("task-failed", 6, exception="E()"),
    ]

    assert answers(trace) == ("SUCCESS", "FAILURE")


def test_late_events_of_the_same_run_are_no_new_run() -> None:
    """Case 3 asks the events' own time: what happened before the end does not undo it."""
    trace = [event("task-succeeded", 3, runtime=1.0, result="1"), received(1), event("task-started", 2)]

    assert answers(trace) == ("SUCCESS", "SUCCESS")


def test_late_sent_overwrites_neither_time_nor_worker() -> None:
    """Case 4: Celery takes time and hostname of a task-sent that comes after task-started."""
    trace = [received(2), event("task-started", 3), sent(1)]
    theirs = celery_state(trace).tasks["u1"]
    ours = our_state(trace).task("u1")

    assert (theirs.state, theirs.timestamp, theirs.hostname) == ("STARTED", 1, "gen9@c")
    assert ours is not None
    assert (ours.state, ours.timestamp, ours.known["worker"]) == ("STARTED", 3, "celery@w1")
    assert ours.known["client"] == "gen9@c"
    assert ours.known["queue"] == "celery"


def test_fields_with_the_names_of_attributes_change_nothing() -> None:
    """Case 7: a field called state, event, children or worker is a field, not an order to the state."""
    junk = {"state": "SUCCESS", "event": 1, "children": "x", "worker": "evil", "cluster_state": None, "name": "fake"}
    trace = [received(1), event("task-started", 2, **junk), event("task-progress", 3, **junk)]
    task = our_state(trace).task("u1")

    assert task is not None
    assert task.state == "PROGRESS"
    assert task.known["name"] == "app.add"
    assert task.known["worker"] == "celery@w1"


def test_redelivered_event_changes_nothing() -> None:
    """The same event, by its id, is folded once: a second time it would undo what came after it."""
    task = Task("u1")
    retried = event("task-retried", 3, exception="E()", traceback="")
    task.fold("received", received(1), identity(1), "t1", "celery@w1")
    task.fold("retried", retried, identity(2), "t3", "celery@w1")
    task.fold("received", received(4), identity(3), "t4", "celery@w1")

    assert task.fold("retried", retried, identity(2), "t3", "celery@w1") is False
    assert task.state == "RECEIVED"


def test_signatures_of_a_task_that_reports_for_ever_are_bounded() -> None:
    """A task with thousands of progress events remembers the newest of them only."""
    task = Task("u1")
    for number in range(1000):
        assert task.fold("progress", event("task-progress", number + 1), identity(number), "t", "celery@w1")

    assert len(task._seen) == SIGNATURE_LENGTH * SIGNATURES_KEPT
    assert task.fold("progress", event("task-progress", 1000), identity(999), "t", "celery@w1") is False


def test_tasks_at_rest_share_one_number_for_equal_shapes() -> None:
    """100,000 tasks hold a few dozen numbers and not 100,000; however many there were, not all are remembered."""
    started = [Task("u1"), Task("u2")]
    for task in started:
        task.fold("received", received(1.0), identity(1), "t", "celery@w1")
        task.fold("started", event("task-started", 2.0), identity(2), "t", "celery@w1")
    for number in range(SHAPES_KEPT + 10):
        shared(number << 9)

    assert shared(5 << 9) is shared(5 << 9) or COMPILED  # there a task holds the number itself
    assert started[0].shape is started[1].shape or COMPILED
    assert len(_shapes) <= SHAPES_KEPT


def test_a_run_teaches_names_times_and_durations() -> None:
    """From sent to the end, each event makes known what the later ones lack."""
    trace = [
        sent(10.0),
        received(10.5),
        event("task-started", 12.0),
        event("task-failed", 15.25, exception="E()", traceback=""),
    ]

    known = known_after(*trace)

    assert known == {
        "name": "app.add",
        "args": "(1,)",
        "kwargs": "{}",
        "root_id": "u1",
        "retries": 0,
        "queue": "celery",
        "exchange": "",
        "routing_key": "celery",
        "client": "gen9@c",
        "worker": "celery@w1",
        "sent_time": "1970-01-01T00:00:10.000Z",
        "received_time": "1970-01-01T00:00:10.500Z",
        "started_time": "1970-01-01T00:00:12.000Z",
        "queue_seconds": 0.5,
        "prefetch_seconds": 1.5,
        "runtime": 3.25,
        "total_seconds": 5.25,
    }


def test_durations_end_with_the_run() -> None:
    """An event after the end shows none of them; the end event itself shows all."""
    trace = [sent(10.0), received(10.5), event("task-started", 12.0), event("task-revoked", 13.0)]

    late = known_after(*trace, event("task-progress", 12.5))

    assert {"queue_seconds", "prefetch_seconds", "runtime", "total_seconds"} <= set(known_after(*trace))
    assert not {"queue_seconds", "prefetch_seconds", "runtime", "total_seconds"} & set(late)


def test_second_end_event_shows_the_durations_too() -> None:
    """Celery 5.7 sends task-failed and then task-rejected for one task: both are end events."""
    trace = [sent(10.0), received(10.5), event("task-started", 12.0), event("task-failed", 13.0, exception="E()")]

    known = known_after(*trace, event("task-progress", 12.5), event("task-rejected", 13.5, requeue=False))

    assert (known["queue_seconds"], known["prefetch_seconds"], known["total_seconds"]) == (0.5, 1.5, 3.5)


def test_queue_time_of_two_clocks_is_left_out_when_negative() -> None:
    """The client's clock may be ahead of the worker's: no negative duration is shown."""
    assert "queue_seconds" not in known_after(sent(10.0), received(9.5))


def test_durations_of_two_clocks_are_not_those_of_the_try_before() -> None:
    """Where the next try's would be negative, the last one's do not stand beside its times."""
    first_try = [sent(10.0), received(11.0), event("task-started", 12.0)]
    retried = [*first_try, event("task-retried", 13.0, exception="E()", traceback="")]
    client_ahead = known_after(*retried, sent(20.0, retries=1), received(15.0, retries=1))
    worker_back = known_after(*retried, received(25.0, retries=1), event("task-started", 16.0))

    assert known_after(*retried)["queue_seconds"] == known_after(*retried)["prefetch_seconds"] == 1.0
    assert "queue_seconds" not in client_ahead
    assert "prefetch_seconds" not in worker_back


def test_runtime_of_an_end_counts_from_the_last_start_that_was_seen() -> None:
    """Where the task-started of the last try never came (seen in captures), the one of the try before counts."""
    retried = [received(11.0), event("task-started", 12.0), event("task-retried", 13.0, exception="E()", traceback="")]

    assert known_after(*retried)["runtime"] == 1.0
    assert known_after(*retried, received(14.0), event("task-failed", 16.0, exception="E()"))["runtime"] == 4.0
    assert known_after(*retried, event("task-failed", 16.0, exception="E()"))["runtime"] == 4.0


def test_retry_shows_the_runtime_of_its_try_and_total_counts_from_the_first_sending() -> None:
    """The run goes from the first task-sent over all tries to the end."""
    first_try = [sent(10.0), received(11.0), event("task-started", 12.0)]
    retried = [*first_try, sent(14.0, retries=1), event("task-retried", 15.0, exception="E()", traceback="")]
    last_try = [*retried, received(16.0, retries=1), event("task-started", 18.0)]
    ended = [*last_try, event("task-succeeded", 20.0, runtime=2.0, result="1")]

    assert known_after(*retried)["runtime"] == 3.0
    assert "runtime" not in known_after(*last_try)
    assert known_after(*last_try)["queue_seconds"] == 2.0
    assert known_after(*ended)["total_seconds"] == 10.0
    assert known_after(*ended)["retries"] == 1


def test_null_takes_back_what_was_known() -> None:
    """As in Celery the newest word counts: a second try without eta has no eta."""
    eta = "2026-11-20T11:47:56+00:00"

    assert known_after(sent(1, eta=eta))["eta"] == eta
    assert "eta" not in known_after(sent(1, eta=eta), sent(2, eta=None))


def test_replaced_task_takes_its_new_name() -> None:
    """`Task.replace` keeps the uuid and changes the name half-way."""
    trace = [sent(1), received(2), event("task-started", 3), sent(4, name="app.mul"), received(5, name="app.mul")]

    assert known_after(*trace)["name"] == "app.mul"


def test_task_without_beginning_is_incomplete() -> None:
    """state_complete is about task-sent and task-received: one of them is enough."""
    incomplete = our_state([event("task-started", 1)]).task("u1")
    complete = our_state([event("task-started", 1), received(0.5)]).task("u1")

    assert incomplete is not None
    assert complete is not None
    assert (incomplete.complete, complete.complete) == (False, True)
