"""Claims about the collector while the service runs."""

import asyncio
import contextlib
import gc
import weakref

import pytest

from bridge.service.garbage import THRESHOLDS, TIDY_SECONDS, sparing, tidying
from bridge.testing import FakeClock
from tests.running import run


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


def test_cycles_are_found_within_a_minute_when_nothing_else_calls_for_a_look() -> None:
    """A traceback that holds a window of deliveries does not stay because the tasks are as many as before."""

    class Node:
        other: "Node"

    async def scenario() -> None:
        clock = FakeClock()
        looking = asyncio.create_task(tidying(clock))
        await clock.until_sleeping()
        node = Node()
        node.other = node
        seen = weakref.ref(node)
        del node
        assert seen() is not None
        clock.turn(TIDY_SECONDS)
        await clock.until_sleeping()
        assert seen() is None
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking

    with sparing():
        run(scenario())
