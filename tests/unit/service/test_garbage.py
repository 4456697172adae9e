"""Claims about the collector while the service runs."""

import asyncio
import contextlib
import gc
import os
import platform
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from bridge.service.garbage import THRESHOLDS, TIDY_SECONDS, sparing, tidying
from bridge.testing import FakeClock
from tests.running import run

Made = TypeVar("Made")
Seen = TypeVar("Seen")


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


def test_cycles_are_found_soon_when_nothing_else_calls_for_a_look() -> None:
    """A traceback that holds a window of deliveries does not stay because the tasks are as many as before."""

    class Node:
        other: "Node"

    def garbage() -> weakref.ref[Node]:
        node = Node()
        node.other = node
        return weakref.ref(node)

    with sparing():
        assert run(around_a_look(garbage, lambda seen: seen() is not None)) == (True, False)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another libc gives back by itself, or never")
def test_freed_memory_is_given_back_soon() -> None:
    """Also what lies below something that stays, as the tasks do that came while an outage filled the window."""
    stays = []

    def outage() -> None:
        window = [bytes(1_000) for _ in range(60_000)]
        stays.append(window[-1])

    before, after = run(around_a_look(outage, lambda _: resident_mib()))
    assert before - after > 30


async def around_a_look(make: Callable[[], Made], look: Callable[[Made], Seen]) -> tuple[Seen, Seen]:
    """What is seen of what was made, before it was tidied up and afterwards."""
    clock = FakeClock()
    tidying_up = asyncio.create_task(tidying(clock))
    await clock.until_sleeping()
    made = make()
    before = look(made)
    clock.turn(TIDY_SECONDS)
    await clock.until_sleeping()
    after = look(made)
    tidying_up.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await tidying_up
    return before, after


def resident_mib() -> float:
    """What this process has in memory (proc(5), statm)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
