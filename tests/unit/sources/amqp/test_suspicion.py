"""bridge.sources.amqp.suspicion"""

import dataclasses

import pytest

from bridge.model import Delivery, Poison
from bridge.sources.amqp.suspicion import Suspicion


def came_back(times: int) -> Delivery:
    """A delivery with everything set, as the broker marks it."""
    headers = {"x-delivery-count": times, "own": 1} if times else {"own": 1}
    return Delivery(b"body", "application/json", "utf-8", headers, "task.multi", bool(times), 1.5, 7)


@pytest.mark.parametrize(("times", "clear"), [(0, True), (2, True), (3, False), (4, False), (5, False)])
def test_what_came_back_less_than_three_times_is_no_reason_to_stay_alone(times: int, clear: bool) -> None:
    """Counted by the broker; the first time it says nothing."""
    suspicion = Suspicion("amqp://h", counted=True)
    assert suspicion.alone
    assert suspicion.clears([came_back(times)]) is clear


@pytest.mark.parametrize(("times", "poison"), [(0, False), (4, False), (5, True), (6, True)])
def test_poison_is_what_came_back_five_times(times: int, poison: bool) -> None:
    """Nothing of it is changed."""
    (judged,) = Suspicion("amqp://h", counted=True).judge([came_back(times)])
    assert isinstance(judged, Poison) is poison
    for name in (field.name for field in dataclasses.fields(Delivery)):
        assert getattr(judged, name) == getattr(came_back(times), name)


def test_what_we_survived_is_not_charged() -> None:
    """A lost connection counts at the broker; the count is still shown as it is."""
    suspicion = Suspicion("amqp://h", counted=True)
    suspicion.clears([came_back(4)])
    suspicion.survive()
    suspicion.begin()
    innocent, poison = suspicion.judge([came_back(5), came_back(6)])
    assert not isinstance(innocent, Poison)
    assert isinstance(poison, Poison)
    assert poison.attempts == 6


def test_a_connection_that_gave_nothing_excuses_nothing() -> None:
    """Nothing was in flight, so the broker counted nothing."""
    suspicion = Suspicion("amqp://h", counted=True)
    suspicion.survive()
    suspicion.begin()
    (poison,) = suspicion.judge([came_back(5)])
    assert isinstance(poison, Poison)


def test_each_connection_begins_with_one() -> None:
    """Nobody knows what happened in between."""
    suspicion = Suspicion("amqp://h", counted=True)
    suspicion.alone = False
    suspicion.begin()
    assert suspicion.alone


@pytest.mark.parametrize(("count", "redelivered"), [("many", True), (9, False)])
def test_a_header_of_the_senders_own_is_no_count(count: object, redelivered: bool) -> None:
    """Whatever it holds: the broker writes over it when a message comes back, and not before."""
    suspicion = Suspicion("amqp://h", counted=True)
    odd = Delivery(b"1", headers={"x-delivery-count": count}, redelivered=redelivered)
    assert suspicion.judge([odd]) == [odd]
    assert suspicion.clears([odd])


def test_where_nothing_is_counted_nothing_is_suspected() -> None:
    """From the first connection on."""
    suspicion = Suspicion("amqp://h", counted=False)
    assert not suspicion.alone
    suspicion.begin()
    assert not suspicion.alone
