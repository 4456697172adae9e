"""bridge/sources/stream/starts.py."""

import asyncio

import pytest

from bridge.chain import REACH
from bridge.clients.queue import QueuePlan
from bridge.errors import ConfigError
from bridge.model import ALONE_FROM
from bridge.sources.stream.starts import CAREFUL_ITEMS, Starts, reference_of
from tests.running import run


def value_of(place: int | None, begins: int) -> int:
    """What so many starts leave behind that settled nothing."""
    noted = None
    for before in range(begins):
        starts = Starts()
        starts.add(1)
        starts.found(place, noted)
        assert starts.before == min(before, 127)
        assert starts.due is not None
        noted = starts.due
        starts.noted(noted)
        assert starts.due is None
        assert not starts.wanted
    assert noted is not None
    return noted


def counted(place: int | None, noted: int | None) -> int:
    """How often others began before one that finds this."""
    starts = Starts()
    starts.add(1)
    starts.found(place, noted)
    return starts.before


@pytest.mark.parametrize("place", [0, 1, 42, 2**40, 2**55 | 1795178793250])
def test_starts_are_counted_at_their_place(place: int) -> None:
    """And at no other: there something was settled, or who died looked at something else. Nor is what is noted ever
    below an offset, or negative."""
    for begins in (1, 2, 5, 130):
        noted = value_of(place, begins)
        assert counted(place, noted) == min(begins, 127)
        assert counted(place + 7, noted) == counted(None, noted) == 0
        assert 2**56 <= noted < 2**63
    assert counted(place, None) == 0


def test_a_place_that_is_another_each_time_is_counted_once() -> None:
    """Nobody died of what lies there; and what was noted there is found at no other."""
    noted = value_of(None, 1)
    assert counted(None, noted) == counted(0, noted) == counted(7, noted) == 0
    assert 2**56 <= noted < 2**63


def test_one_is_taken_back() -> None:
    """Also before it is known what is noted, and never below nothing."""
    starts = Starts()
    starts.add(1)
    starts.add(-1)
    starts.found(0, value_of(0, 2))
    assert starts.due == value_of(0, 2)
    starts.add(-1)
    assert starts.due == value_of(0, 1)
    for _ in range(2):
        starts.add(-1)
    assert starts.due == 0


def test_what_changed_meanwhile_is_noted_too() -> None:
    """Who waits is told of the last word only."""

    async def check() -> None:
        starts = Starts()
        starts.add(1)
        starts.found(0, None)
        waiting = asyncio.ensure_future(starts.told())
        first = starts.due
        assert first is not None
        starts.add(-1)
        starts.noted(first)
        await asyncio.sleep(0)
        assert not waiting.done()
        assert starts.due == 0
        starts.noted(0)
        await waiting

    run(check())


def test_what_is_settled_ends_the_count() -> None:
    """Said once, at once; without a count there is nothing to say."""
    starts = Starts()
    starts.settled(1)
    assert not starts.urgent
    starts.add(1)
    starts.found(0, None)
    assert not starts.urgent
    starts.settled(1)
    assert starts.urgent
    assert starts.unsaid
    starts.unsaid = False
    starts.settled(1)
    assert not starts.urgent


@pytest.mark.parametrize("deaths", [ALONE_FROM - 1, ALONE_FROM])
def test_where_bridges_died_what_is_settled_is_told_at_once(deaths: int) -> None:
    """As far as a chain handles deliveries one by one."""
    starts = Starts()
    starts.add(1)
    starts.found(0, value_of(0, deaths))
    starts.settled(1)
    starts.unsaid = False
    assert starts.urgent is (deaths == ALONE_FROM)
    starts.settled(REACH)
    assert starts.urgent is (deaths == ALONE_FROM)
    starts.settled(CAREFUL_ITEMS)
    assert not starts.urgent


def test_who_leaves_notes_nothing_more() -> None:
    """And is not waited for."""

    async def check() -> None:
        starts = Starts()
        starts.add(1)
        waiting = asyncio.ensure_future(starts.told())
        await asyncio.sleep(0)
        starts.leave()
        await waiting
        starts.found(0, None)
        starts.add(-1)
        assert starts.due is None
        assert not starts.wanted
        await starts.told()

    run(check())


def test_the_reference_is_never_too_long() -> None:
    """RabbitMQ takes 255 bytes."""
    group = "g"
    while True:
        try:
            QueuePlan("stream", group, {})
        except ConfigError:
            break
        group += "g"
    assert len(reference_of(group[1:])) == 234
