"""Claims about the account of a run."""

from tests.bench.drain import account


def test_a_complete_run_has_no_fault() -> None:
    """Each event once and an empty queue: nothing to say."""
    assert account({"a", "b"}, ["b", "a"], 0) == ("", False)


def test_every_fault_is_named_and_only_a_lost_event_is_a_loss() -> None:
    """Repeats, strangers and what is left are told; they take no figure away."""
    assert account({"a", "b"}, ["a", "a", "b", "c"], 3) == (
        "1 repeated, 1 strange, 3 messages left in the queue",
        False,
    )
    assert account({"a", "b"}, ["a"], 0) == ("1 lost", True)
