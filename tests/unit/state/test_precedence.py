"""Which state follows which: Celery's own order, and the places where ours differs."""

import pytest
from celery import states

from bridge.state.precedence import FORWARD, STATE_OF, may_become

BUILT_IN = sorted(set(STATE_OF.values()) - {"CANCELLED"})


def celery_becomes(current: str, state: str) -> bool:
    """celery.events.state.Task.event: a lower state that comes later is only merged, but for RETRY."""
    return "RETRY" in (current, state) or states.precedence(state) <= states.precedence(current)


@pytest.mark.parametrize("current", [*BUILT_IN, "PROGRESS"])
@pytest.mark.parametrize("state", [*BUILT_IN, "PROGRESS"])
def test_order_is_celerys_but_for_the_named_cases(current: str, state: str) -> None:
    """Over all pairs, each event a second later than the one before it."""
    ours, theirs = may_become(current, state, 1.0, 2.0), celery_becomes(current, state)

    differs = {
        ("STARTED", "REJECTED"): True,  # case 1
        ("RECEIVED", "REJECTED"): True,
        ("PROGRESS", "REJECTED"): True,  # case 2
        ("PROGRESS", "REVOKED"): True,
        ("REVOKED", "PROGRESS"): False,
        ("REJECTED", "PROGRESS"): False,
    }
    assert ours is differs.get((current, state), theirs)
    assert (ours is not theirs) is ((current, state) in differs)


@pytest.mark.parametrize("state", ["STARTED", "RECEIVED"])
def test_rejection_stands_against_what_happened_before_it(state: str) -> None:
    """Case 1, out of order: the sender's time decides, not the order of arrival."""
    assert not may_become("REJECTED", state, 2.0, 1.0)
    assert not may_become(state, "REJECTED", 2.0, 1.0)


def test_shortcut_says_what_the_rules_say() -> None:
    """The table that answers for nearly every event holds no opinion of its own."""
    assert all(celery_becomes(current, state) for current, state in FORWARD)
