"""bridge.sources.amqp.source; what every source promises is in tests/contract."""

import asyncio
import socket
from typing import Any

import pytest
from pamqp import commands

from bridge.errors import ConfigError, ConnectError, EndOfStream
from bridge.model import Delivery
from bridge.sources.amqp import AmqpSource
from bridge.telemetry import Counters
from bridge.testing import FakeClock
from tests.running import run, until
from tests.unit.sources.amqp.broker import ScriptedBroker, delivery


def nobody() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def test_every_problem_is_told_at_once() -> None:
    """URL, group and both numbers."""
    with pytest.raises(ConfigError) as caught:
        AmqpSource("rabbit://h", group="a b", prefetch=0, max_unsettled_bytes=0)
    assert len(caught.value.problems) == 4


def test_what_is_shown_holds_no_secret() -> None:
    """Neither does the error that names it."""

    async def check() -> None:
        source = AmqpSource(f"amqp://user:hunter2@127.0.0.1:{nobody()}//", fail_fast=True)
        assert "hunter2" not in source.shown
        with pytest.raises(ConnectError) as caught:
            async with source:
                pytest.fail("connected to nobody")
        assert "hunter2" not in str(caught.value)

    run(check())


def test_alternatives_are_tried_in_turn() -> None:
    """The second broker is used when the first is not there."""

    async def check() -> None:
        async with ScriptedBroker() as broker:
            url = f"amqp://127.0.0.1:{nobody()}//;{broker.url}"
            async with AmqpSource(url, fail_fast=True) as source:
                await source.start(None)
                await until(lambda: "Basic.Consume" in broker.names)
                broker.write(delivery(1, b"1"))
                (item,) = await source.read()
                assert isinstance(item, Delivery)
                assert item.body == b"1"

    run(check())


def test_received_at_is_the_clocks_time() -> None:
    """When we read it, in seconds since the epoch."""

    async def check() -> None:
        clock = FakeClock()
        async with ScriptedBroker() as broker, AmqpSource(broker.url, clock=clock) as source:
            await source.start(None)
            await until(lambda: "Basic.Consume" in broker.names)
            broker.write(delivery(1, b"1"))
            (item,) = await source.read()
            assert isinstance(item, Delivery)
            assert item.received_at == clock.now()

    run(check())


def test_it_is_read_as_much_as_is_there() -> None:
    """Deliveries of several socket reads come as one list."""

    async def check() -> None:
        async with ScriptedBroker() as broker, AmqpSource(broker.url) as source:
            await source.start(None)
            await until(lambda: "Basic.Consume" in broker.names)
            for tag in range(1, 4):
                broker.write(delivery(tag, b"%d" % tag))
                await until(lambda: len(source._reader.arrivals._items) == tag)  # noqa: B023 - used in this turn
            assert len(await source.read()) == 3

    run(check())


def test_a_stop_while_connecting_ends_it() -> None:
    """Entering returns early, unconnected, and leaves nothing behind."""

    async def check() -> None:
        async with ScriptedBroker({"Connection.Open": []}) as broker:
            source = AmqpSource(broker.url)
            entering = asyncio.create_task(source.__aenter__())
            await until(lambda: "Connection.Open" in broker.names)
            source.stop()
            await entering
            with pytest.raises(EndOfStream):
                await source.read()
            await source.__aexit__(None, None, None)

    run(check())


def test_leaving_sends_what_was_settled_first() -> None:
    """Then it asks for a second consumer, waits for the answer, and says goodbye."""

    async def check() -> None:
        async with ScriptedBroker() as broker:
            async with AmqpSource(broker.url) as source:
                await source.start(None)
                await until(lambda: broker.names.count("Basic.Consume") == 2)
                broker.write(delivery(1, b"1"))
                source.settle([item for item in await source.read() if isinstance(item, Delivery)])
            assert broker.names[-3:] == ["Basic.Ack", "Basic.Consume", "Connection.Close"]

    run(check())


def test_a_right_that_is_missing_later_is_waited_for() -> None:
    """Without fail-fast the reason is logged, and it goes on when the right is there."""

    async def check() -> None:
        refused = commands.Channel.Close(403, "ACCESS_REFUSED", 0, 0)
        broker = ScriptedBroker({"Basic.Consume": [refused]}, {"Basic.Consume": [commands.Basic.ConsumeOk("bridge")]})
        async with broker, AmqpSource(broker.url) as source:
            await source.start(None)
            await until(lambda: broker.names.count("Basic.Consume") == 4)  # two of each connection

    run(check())


@pytest.mark.parametrize(("queue_type", "watched"), [("quorum", True), ("transient", False)])
def test_only_a_durable_queue_is_watched(queue_type: Any, watched: bool) -> None:
    """What an exclusive one holds no other connection may ask."""
    source = AmqpSource("amqp://h", queue_type=queue_type, counters=Counters())

    assert (source._reader._depth is not None) == watched
