"""Claims about the backlog that every contender drains."""

from collections import Counter

import orjson
import pytest

from bridge.decode import decode
from bridge.model import Delivery, Event
from bridge.validate import Schemas
from tests.bench.load import KINDS, Kind, Message, identity, messages

COUNT = 5000


def events(message: Message) -> list[Event]:
    """As the bridge decodes them."""
    found, failures = decode(Delivery(message.body, "application/json", "utf-8"))
    assert failures == []
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_a_backlog_holds_so_many_distinct_valid_events(kind: Kind) -> None:
    """Each event is valid and can be told from every other, and messages say how many they hold."""
    schemas = Schemas.load()
    found = [event for message in messages(kind, COUNT) for event in events(message)]
    assert len({identity(event.fields) for event in found}) == len(found) == COUNT
    assert [event for event in found if schemas.check(event) is not None] == []
    assert [m for m in messages(kind, COUNT) if len(events(m)) != m.events] == []


def test_both_kinds_hold_the_same_events() -> None:
    """What differs is how they are put into messages."""
    found = [{identity(one.fields) for m in messages(kind, COUNT) for one in events(m)} for kind in KINDS]
    assert found[0] == found[1]


def test_the_mix_is_what_workers_and_clients_send() -> None:
    """task-sent and heartbeats come alone, a list is one worker's and has at most 24 task events, in a task's order."""
    order: dict[str, list[str]] = {}
    for message in messages("mix", COUNT):
        body = orjson.loads(message.body)
        if isinstance(body, dict):
            assert body["type"] in {"task-sent", "worker-heartbeat"}
            continue
        assert 1 <= len(body) <= 24
        assert {one["hostname"] for one in body} == {message.hostname}
        assert not {one["type"] for one in body} & {"task-sent", "worker-heartbeat"}
        for one in body:
            order.setdefault(one["uuid"], []).append(one["type"])
    shapes = Counter(tuple(types) for types in order.values())
    whole = ("task-received", "task-started")
    assert all(
        (*whole, "task-succeeded")[: len(shape)] == shape or shape == (*whole, "task-failed") for shape in shapes
    )


def test_a_message_of_the_mix_holds_about_two_and_a_half_events() -> None:
    """As docs/explanation/performance.md says of it."""
    counts = [message.events for message in messages("mix", 20_000)]
    assert 2.3 < sum(counts) / len(counts) < 2.6
