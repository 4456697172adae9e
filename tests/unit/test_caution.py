"""bridge.caution"""

import dataclasses

import pytest

from bridge.caution import Caution
from bridge.model import Delivery, Gap, Poison
from tests.unit.making import delivery, started

ITEMS = [delivery(started(uuid=uuid), tag=uuid, position=uuid.encode()) for uuid in ("a", "b", "c")]
GAP = Gap("truncated", 0.0, 1.0)
FIELDS = [field.name for field in dataclasses.fields(Delivery)]


@pytest.mark.parametrize("deaths", [0, 1, 2])
def test_two_deaths_are_bad_luck(deaths: int) -> None:
    """All is handled together."""
    caution = Caution(deaths, reach=2)
    assert not caution.alone
    assert caution.next(ITEMS) is ITEMS


@pytest.mark.parametrize("deaths", [3, 4])
def test_from_three_deaths_on_all_within_reach_goes_one_by_one(deaths: int) -> None:
    """A gap is nobody's death; behind the reach all goes together again."""
    caution = Caution(deaths, reach=2)
    for items in ([GAP, *ITEMS], ITEMS, ITEMS[1:]):
        assert caution.alone
        assert caution.next(items) == items[:1]
    assert not caution.alone
    assert caution.next(ITEMS) is ITEMS


@pytest.mark.parametrize("deaths", [5, 6])
def test_after_five_deaths_the_first_delivery_is_poison(deaths: int) -> None:
    """Only that, and nothing of it is changed."""
    caution = Caution(deaths, reach=2)
    assert caution.next([GAP, *ITEMS]) == [GAP]
    (poison,) = caution.next(ITEMS)
    assert isinstance(poison, Poison)
    assert poison.attempts == deaths
    assert [getattr(poison, name) == getattr(ITEMS[0], name) for name in FIELDS] == [True] * 9
    assert caution.next(ITEMS[1:]) == [ITEMS[1]]


@pytest.mark.parametrize("gaps_move", [True, False])
def test_behind_a_gap_that_moved_the_position_nobody_is_poison(gaps_move: bool) -> None:
    """Whoever died there was counted anew; what the others died of is gone. Where a gap moves nothing, nobody knows."""
    caution = Caution(5, reach=2, gaps_move=gaps_move)
    assert caution.next([GAP, *ITEMS]) == [GAP]
    assert caution.alone
    assert isinstance(caution.next(ITEMS)[0], Poison) is not gaps_move


def test_far_from_the_position_a_few_go_together() -> None:
    """The first 64 alone; then a 32nd of what was passed, so that a chain's reach takes seconds."""
    caution, sizes = Caution(3, reach=6000), []
    while caution.alone:
        sizes.append(len(caution.next(ITEMS * 100)))
    assert sizes[:65] == [1] * 64 + [2]
    assert sizes == sorted(sizes)
    assert max(sizes) < 200
    assert len(sizes) < 250
