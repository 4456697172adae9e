"""bridge.loss; that it finds what a simulated cluster lost is in tests/property/test_loss.py."""

from bridge.loss import MUTE_REPORTS, Losses

Report = tuple[int | None, int]


def losses(*reports: Report, pid: int = 7, subject: str = "heartbeat") -> Losses:
    """After reports of one worker, each (processed, starts seen)."""
    found = Losses()
    for processed, seen in reports:
        report(found, processed, seen, pid=pid, subject=subject)
    return found


def report(into: Losses, processed: int | None, seen: int, *, pid: int = 7, subject: str = "heartbeat") -> None:
    """One more, of the worker w1."""
    into.report(subject, {"hostname": "w1", "pid": pid, "processed": processed}, {pid: seen})


def test_nothing_is_lost_when_all_that_was_processed_was_seen() -> None:
    """Whatever was processed before the first report."""
    assert losses((1000, 0), (1010, 10), (1010, 10), (1500, 500)).starts == 0
    assert losses((0, 0), (10, 10)).starts == 0


def test_what_was_processed_and_not_seen_is_lost_when_it_stays_so() -> None:
    """The second report in a row confirms it."""
    reports = [(0, 0), (10, 10), (30, 15)]
    assert losses(*reports).starts == 0
    assert losses(*reports, (40, 25)).starts == 15
    assert losses(*reports, (30, 15)).starts == 15


def test_a_start_that_is_under_way_is_not_lost() -> None:
    """Counted at the heartbeat, seen after it, again and again."""
    assert losses((2, 0), (12, 11), (22, 22), (32, 30), (42, 42), (52, 51)).starts == 0


def test_an_outage_over_whole_intervals() -> None:
    """Neither starts nor reports were heard: one long interval, though the first report behind it saw nothing yet."""
    assert losses((0, 0), (100, 100), (400, 100), (450, 150), (500, 200)).starts == 300


def test_a_worker_that_sends_no_task_events_loses_none() -> None:
    """Neither one without -E nor one whose events were switched off; switched on again it counts again."""
    silent = [(100 * n, 0) for n in range(10)]
    assert losses(*silent).starts == 0
    off = [(10, 10), (20, 20), *((20 + n, 20) for n in range(1, MUTE_REPORTS + 5))]
    assert losses(*off).starts == 0
    processed = off[-1][0]
    on = [(processed + 10, 25), (processed + 20, 35), (processed + 40, 45), (processed + 50, 55)]
    assert losses(*off, *on).starts == 10


def test_a_new_process_begins_at_zero() -> None:
    """What it did before its first report, when its predecessor was known, was lost if we did not see it."""
    found = losses((500, 500), (510, 510), pid=7)
    report(found, 30, 20, pid=8)
    report(found, 40, 30, pid=8)
    assert found.starts == 10
    report(found, 5, 5, pid=9)
    assert found.starts == 10


def test_a_goodbye_needs_no_confirmation() -> None:
    """`worker-offline` is the last report of its process, and nothing is under way behind it."""
    found = losses((0, 0), (10, 10))
    report(found, 30, 15, subject="offline")
    assert found.starts == 15
    report(found, 0, 0, pid=8, subject="online")
    assert found.starts == 15


def test_reports_without_counters_say_nothing() -> None:
    """Answers to the `heartbeat` command have none, and the schemas let a pid be away."""
    found = losses((0, 0), (10, 10), (None, 20), (30, 20), (40, 30))
    assert found.starts == 10
    found.report("heartbeat", {"hostname": "w2", "processed": 5}, {})
    found.report("heartbeat", {"hostname": "w2", "processed": True, "pid": 1}, {})
    assert found.starts == 10


def test_counters_that_go_back_are_begun_anew() -> None:
    """The state forgot the worker, or two processes share pid and name: no loss is made of it."""
    assert losses((100, 100), (200, 200), (200, 0), (210, 10), (5, 10), (15, 20)).starts == 0


def test_the_estimate_takes_what_goes_with_a_start_along() -> None:
    """Four events were received for each start that was seen, so four are lost with each that was not."""
    found = losses((0, 0), (100, 80), (200, 180))
    assert found.events(received=720, starts=180) == 80
    assert Losses().events(received=0, starts=0) == 0


def test_workers_are_bounded() -> None:
    """Forgetting one keeps what it lost."""
    found = losses((0, 0), (10, 5), (20, 15))
    for number in range(6000):
        found.report("heartbeat", {"hostname": f"x{number}", "pid": 1, "processed": 0}, {})
    assert len(found._processes) == 5000
    assert found.starts == 5
