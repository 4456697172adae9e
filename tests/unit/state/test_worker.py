"""One worker: what it says of itself and when it counts as alive."""

from bridge.state.worker import DEFAULT_FREQ, Worker
from tests.unit.state.celery_answer import celery_state, event, our_state

HEARTBEAT = {"freq": 2.0, "active": 1, "processed": 9, "loadavg": [0.1, 0.2, 0.3], "sw_ver": "5.7.0"}


def heartbeat(at: float, **fields: object) -> dict[str, object]:
    """worker-heartbeat as the timer sends it."""
    return event("worker-heartbeat", at, **{**HEARTBEAT, **fields})


def test_alive_is_who_was_heard_within_twice_its_interval() -> None:
    """A worker with an interval of 2 s is lost 4 s after the last sign of it."""
    worker = Worker("celery@w1")
    worker.fold("heartbeat", heartbeat(100.0), received_at=50.0)

    assert worker.alive(53.9)
    assert not worker.alive(54.0)


def test_alive_does_not_ask_the_workers_clock() -> None:
    """Case 6: a task event of a worker whose clock is 5 hours back makes it look dead to Celery, not to us."""
    skewed = [heartbeat(1000.0 - 18000), event("task-started", 1000.0 - 18000)]
    theirs = celery_state(skewed, received_at=1000.0).workers["celery@w1"]
    ours = our_state(skewed, received_at=1000.0).workers["celery@w1"]

    assert not theirs.alive
    assert ours.alive(1001.0)


def test_task_event_after_offline_does_not_bring_a_worker_back() -> None:
    """Case 6: tasks end after worker-offline in every warm shutdown; Celery makes a new, living worker of it."""
    trace = [heartbeat(1.0), event("worker-offline", 2.0, **HEARTBEAT), event("task-succeeded", 3.0, runtime=1.0)]

    assert "celery@w1" in celery_state(trace).workers
    assert not our_state(trace).workers["celery@w1"].alive(3.0)


def test_worker_that_comes_online_again_is_alive() -> None:
    """worker-online takes worker-offline back, as at every reconnect."""
    trace = [event("worker-offline", 2.0, **HEARTBEAT), event("worker-online", 3.0, **HEARTBEAT)]

    assert our_state(trace).workers["celery@w1"].alive(3.5)


def test_answer_to_the_heartbeat_command_changes_neither_interval_nor_counters() -> None:
    """It says freq 5 and has no counters (celery.worker.control.heartbeat)."""
    worker = Worker("celery@w1")
    worker.fold("heartbeat", heartbeat(1.0), 1.0)
    worker.fold("heartbeat", event("worker-heartbeat", 2.0, freq=5, sw_ver="5.7.0"), 2.0)

    assert (worker.freq, worker.processed, worker.active) == (2.0, 9, 1)


def test_integers_may_be_written_as_floats() -> None:
    """To JSON Schema 7.0 is an integer: a sender in another language may write so, and the worker says what it said."""
    said = heartbeat(1.0, pid=7.0, active=1.0, processed=9.0)
    state = our_state([said, event("task-started", 2.0, pid=7.0), event("task-started", 3.0, pid=7)])
    worker = state.workers["celery@w1"]

    assert (worker.pid, worker.active, worker.processed, worker.starts) == (7.0, 1.0, 9.0, {7.0: 2})


def test_worker_fields_with_the_names_of_attributes_change_nothing() -> None:
    """Case 7: `worker-elect` has a field `id`, which is a property of Celery's Worker and ends its State."""
    worker = Worker("celery@w1")
    worker.fold("elect", event("worker-elect", 1.0, id="x", alive=False, online=False), 1.0)
    worker.fold("heartbeat", heartbeat(2.0, alive="no", heard_at=99.0, online=False), 2.0)

    assert worker.online
    assert worker.heard_at == 2.0


def test_worker_without_a_clock_is_not_judged() -> None:
    """A source that does not know when it read an event gives no reason to call a worker dead."""
    worker = Worker("celery@w1")
    worker.fold("heartbeat", heartbeat(1.0), None)

    assert worker.alive(1e12)


def test_worker_that_never_said_its_interval_has_celerys_default() -> None:
    """Known from a task event only, a worker is alive for twice Celery's default interval."""
    worker = our_state([event("task-started", 10.0)]).workers["celery@w1"]

    assert worker.freq == DEFAULT_FREQ
    assert worker.alive(10.0 + 2 * DEFAULT_FREQ - 1)


def test_starts_are_counted_by_process() -> None:
    """Of the newest processes of a name only: clients may say any pid."""
    worker = Worker("celery@w1")
    for pid in (1, 1, 2, 3, 4, 5, 5):
        worker.count_start(pid)
    assert worker.starts == {2: 1, 3: 1, 4: 1, 5: 2}
