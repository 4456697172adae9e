"""Tests of bridge.telemetry."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.model import Tally
from bridge.telemetry import Counters, Status

counts = st.integers(min_value=0, max_value=1000)
tallies = st.builds(
    lambda delivered, dead, filtered: Tally(delivered + dead + filtered, delivered, dead, filtered),
    counts,
    counts,
    counts,
)


def test_counters_start_balanced_at_zero() -> None:
    """Nothing received, nothing owed."""
    counters = Counters()

    assert counters.balanced
    assert counters == Counters(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


def test_took_and_settled_count_what_they_are_told() -> None:
    """What is taken is unsettled until its batch is settled; deliveries are counted beside events."""
    counters = Counters()
    counters.took(Tally(10, 7, 2, 1), deliveries=4, redelivered=3)
    assert (counters.received, counters.unsettled, counters.deliveries_read, counters.redelivered) == (10, 10, 4, 3)
    assert (counters.delivered, counters.deliveries_settled) == (0, 0)

    counters.settled(Tally(10, 7, 2, 1), deliveries=4)
    assert (counters.delivered, counters.dead_lettered, counters.filtered, counters.unsettled) == (7, 2, 1, 0)
    assert (counters.received, counters.deliveries_settled) == (10, 4)


def test_what_is_left_to_another_replica_was_not_received() -> None:
    """The accounts balance without it."""
    counters = Counters()
    for tally in (Tally(10, 7, 2, 1), Tally(5, 5, 0, 0)):
        counters.took(tally, deliveries=4, redelivered=0)
    counters.refused(1)
    counters.settled(Tally(10, 7, 2, 1), deliveries=4)
    counters.refused(1)
    counters.forgot()

    assert (counters.received, counters.unsettled, counters.refusals) == (10, 0, 0)
    assert counters.deliveries_read == counters.deliveries_settled == 4
    assert counters.balanced


def test_refused_events_are_dead_lettered_when_their_batch_is_settled() -> None:
    """Not before: a summary in between, or of a forced stop, would tell of -1 events delivered."""
    counters = Counters()
    counters.took(Tally(3, 3, 0, 0), 1, 0)
    counters.took(Tally(2, 2, 0, 0), 1, 0)
    counters.refused(4)
    assert (counters.delivered, counters.dead_lettered, counters.unsettled) == (0, 0, 5)
    counters.settled(Tally(3, 3, 0, 0), 1)
    counters.settled(Tally(2, 2, 0, 0), 1)
    assert (counters.delivered, counters.dead_lettered, counters.unsettled) == (1, 4, 0)


@given(st.lists(tallies, max_size=20), st.integers(min_value=0, max_value=20), st.lists(counts, max_size=5))
def test_identity_holds_however_batches_come_and_go(taken: list[Tally], settled: int, refused: list[int]) -> None:
    """received = delivered + dead-lettered + filtered + unsettled, with some batches in flight and some refused."""
    counters = Counters()
    for tally in taken:
        counters.took(tally, 1, 0)
        assert counters.balanced
    for events in refused:
        counters.refused(events)
        assert counters.balanced
    for tally in taken[:settled]:
        counters.settled(tally, 1)
        assert counters.balanced
        assert counters.delivered >= 0

    assert counters.unsettled == sum(tally.received for tally in taken[settled:])
    assert counters.delivered + counters.dead_lettered == sum(t.delivered + t.dead_lettered for t in taken[:settled])


def test_balanced_notices_what_is_missing() -> None:
    """An event that was received and is nowhere else shows."""
    counters = Counters()
    counters.took(Tally(2, 1, 0, 0), 1, 0)
    counters.settled(Tally(1, 1, 0, 0), 1)
    counters.unsettled = 0

    assert not counters.balanced


def test_status_is_written_in_lower_case() -> None:
    """Logs and probes show the words."""
    assert [str(status) for status in Status] == ["starting", "ok", "failing", "stopping", "stopped"]
