"""The short form of the fuzzer: the same code, a few thousand deliveries."""

from itertools import islice

from tests.torture.fuzz import fuzz
from tests.torture.mutations import broken


def test_broken_deliveries_crash_nothing_and_are_accounted_for() -> None:
    """
    3,000 damaged deliveries under each policy: every record keeps record.json, every dead letter has the broker's
    bytes, and received = delivered + dead-lettered + filtered.
    """
    found = fuzz(9_000, seed=20261128)

    assert found.faults == []
    assert found.received == found.delivered + found.dead_lettered + found.filtered
    assert set(found.reasons) >= {"schema", "shape", "decode", "content-type"}
    assert found.delivered > 1000


def test_a_seed_makes_the_same_deliveries() -> None:
    """So that what was found once is found again."""
    first, again = (list(islice(broken(7), 300)) for _ in range(2))
    assert first == again
    assert len({delivery.body for delivery in first}) > 200
