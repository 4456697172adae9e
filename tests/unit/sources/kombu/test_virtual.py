"""bridge.sources.kombu.virtual, on kombu's in-memory transport."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import orjson
import pytest
from kombu import Connection

from bridge.clients.queue import QueuePlan
from bridge.clock import SystemClock
from bridge.model import Delivery, Gap
from bridge.sources.kombu.address import addresses
from bridge.sources.kombu.virtual import VirtualLink
from tests.ledger import publish

MANY = 10**9


@pytest.fixture(autouse=True)
def no_queues_left() -> Iterator[None]:
    """They are the process's, as the bindings are."""
    yield
    with memory() as channel:
        channel.queues.clear()
        channel.state.clear()


def memory() -> Any:
    return Connection("memory://").channel()


def open_link(group: str = "", *, transient: bool = False, again: bool = False) -> tuple[VirtualLink, str | None]:
    (address,) = addresses("memory://")
    plan = QueuePlan("transient" if transient else "quorum", group or str(uuid4()), {})
    link = VirtualLink(address, plan, SystemClock(), 3)
    return link, link.open(again=again)


def drained(link: VirtualLink, max_bytes: int = MANY) -> list[Delivery]:
    link.drain(0.01, max_bytes)
    return [item for item in link.take() if isinstance(item, Delivery)]


def test_tags_carry_the_generation() -> None:
    """As with every link."""
    link, _ = open_link()
    link.consume(10)
    publish("memory://", [b"1"])
    (delivery,) = drained(link)
    assert isinstance(delivery.tag, tuple)
    assert delivery.tag[0] == 3
    link.close(polite=True)


def test_prefetch_bounds_what_is_unsettled_and_every_ack_makes_room() -> None:
    """One by one: these transports ignore `multiple`."""
    link, _ = open_link()
    link.consume(2)
    publish("memory://", [b"1", b"2", b"3", b"4"])
    first = drained(link)
    assert [delivery.body for delivery in first] == [b"1", b"2"]
    assert drained(link) == []
    link.settle([first[1].tag])
    assert [delivery.body for delivery in drained(link)] == [b"3"]
    link.close(polite=True)


def test_drain_ends_with_the_delivery_that_reaches_the_room() -> None:
    """The window of bytes holds here too."""
    link, _ = open_link()
    link.consume(10)
    publish("memory://", [b"x" * 60] * 4)
    assert len(drained(link, 100)) == 2
    link.close(polite=True)


def test_what_is_unsettled_is_put_back_as_it_was() -> None:
    """The next connection gets it, marked, with its headers and routing key; what was settled is gone."""
    link, _ = open_link("again")
    link.consume(10)
    publish("memory://", [b"1", b"2"])
    first, second = drained(link)
    link.settle([first.tag])
    link.close(polite=True)

    link, reason = open_link("again", again=True)
    link.consume(10)
    (again,) = drained(link)
    assert reason is None
    assert (again.body, again.redelivered, again.routing_key) == (b"2", True, second.routing_key)
    link.close(polite=True)


def test_a_transient_queue_is_a_gap_when_made_again() -> None:
    """Its name is new, and nobody kept anything for it."""
    link, reason = open_link(transient=True, again=True)
    assert reason == "disconnected"
    link.close(polite=True)


def test_a_message_of_no_known_shape_is_handed_on() -> None:
    """No envelope at all, or one without a body: the whole of it, as JSON, so that it can be dead-lettered."""
    link, _ = open_link("odd")
    link.consume(10)
    with memory() as channel:
        for message in ({"no": "body"}, {"body": "%%%", "properties": {"body_encoding": "base64"}}, ["x"]):
            channel._put("celeryev.bridge.odd", message)
    bodies = [orjson.loads(delivery.body) for delivery in drained(link)]
    assert bodies == [{"no": "body"}, {"body": "%%%", "properties": {"body_encoding": "base64"}}, ["x"]]
    link.close(polite=True)


@pytest.mark.parametrize(
    "message", [{"big": 2**70}, {"half": "\ud800"}, {"deep": json.loads("[" * 500 + "]" * 500)}, [float("nan")]]
)
def test_a_message_that_only_pythons_json_holds_is_handed_on(message: object) -> None:
    """It was taken from the broker: an error now would lose it, and the connection."""
    link, _ = open_link("odd")
    link.consume(10)
    with memory() as channel:
        channel._put("celeryev.bridge.odd", message)
    (delivery,) = drained(link)
    assert delivery.body in (json.dumps(message).encode(), b"[null]")
    link.close(polite=True)


def test_a_message_that_cannot_be_read_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """The transport has taken it, and only its error is left of it."""
    for error in (json.JSONDecodeError("half a file", "", 0), RecursionError("nested")):
        link, _ = open_link(transient=True)
        link.consume(10)
        errors: list[Exception] = [error]

        def drain_events(*_: object, timeout: float, errors: list[Exception] = errors) -> None:
            raise errors.pop() if errors else TimeoutError

        with monkeypatch.context() as patch:
            patch.setattr(link._transport, "drain_events", drain_events)
            link.drain(0.01, MANY)
        (gap,) = link.take()
        assert isinstance(gap, Gap)
        assert gap.reason == "unreadable"
        link.close(polite=True)


def test_it_can_be_closed_twice_and_unopened() -> None:
    """Neither raises."""
    link, _ = open_link(transient=True)
    link.close(polite=True)
    link.close(polite=True)
    (address,) = addresses("memory://")
    VirtualLink(address, QueuePlan("quorum", "g", {}), SystemClock(), 0).close(polite=False)
    with memory() as channel:
        assert channel.get_table("celeryev") == []
