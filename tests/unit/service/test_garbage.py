"""Claims about the collector while the service runs."""

import gc

import pytest

from bridge.service.garbage import THRESHOLDS, sparing


def test_the_collector_is_as_it_was_afterwards() -> None:
    """Also when the service fails: a program that embeds it gets its own collector back."""
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    inside = []

    def fail() -> None:
        inside.append((gc.get_threshold(), gc.get_freeze_count() > frozen))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), sparing():
        fail()
    assert inside == [(THRESHOLDS, True)]
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_cycles_are_still_collected() -> None:
    """Seldom is not never: what is made inside is found by a look."""

    class Node:
        other: "Node | None" = None

    with sparing():
        gc.collect()
        first, second = Node(), Node()
        first.other, second.other = second, first
        del first, second
        assert gc.collect() >= 2
