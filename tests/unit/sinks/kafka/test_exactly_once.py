"""Unit tests of bridge.sinks.kafka.exactly_once (with brokers: tests/integration/test_kafka_transactions.py)."""

import asyncio
from collections.abc import Callable

import pytest

from bridge.clients.kafka import parse_properties
from bridge.errors import ConnectError, FencedError, SinkError
from bridge.model import Record
from bridge.sinks.kafka.exactly_once import ExactlyOnce
from bridge.sinks.kafka.lanes import Lanes
from bridge.sinks.kafka.target import Target
from bridge.sinks.kafka.window import Window
from bridge.testing import FakeClock
from tests.running import run
from tests.scripted_kafka import ScriptedKafka
from tests.servers.ports import free_port
from tests.unit.sinks.kafka.test_lanes import Sending


def lanes(window: Window, replaced: Callable[[Record, Record | None], None]) -> Lanes:
    """Never used here."""
    return Sending(ScriptedKafka({})).lanes


def writer(window: Window) -> ExactlyOnce:
    """Of a broker that is not there."""
    target = Target(
        (f"127.0.0.1:{free_port()}",),
        "t",
        parse_properties({}),
        "t.dlq",
        own_dead_letters=True,
        create_topics=False,
        transactional_id="x",
    )
    return ExactlyOnce(target, window, lanes, transactional_id="x", clock=FakeClock())


def test_nothing_is_taken_before_it_is_known_where_to_resume() -> None:
    """The records would not be those behind the stored position."""

    async def check() -> None:
        window = Window()
        with pytest.raises(SinkError, match="was not asked where to resume"):
            writer(window).put(await window.open(), [], b"1")
        with pytest.raises(SinkError, match="was not asked where to resume"):
            await writer(window).begin()

    run(check())


def test_server_that_is_not_there_is_a_failure_to_connect() -> None:
    """Nothing was up before."""

    async def check() -> None:
        with pytest.raises(ConnectError, match="refuses connections"):
            await writer(Window()).attempt(lambda: pytest.fail("up"))

    run(check())


def test_resume_ends_with_the_sink() -> None:
    """Closed or fenced while it waits for Kafka: whoever waits hears of it."""

    async def check() -> None:
        window = Window()
        resuming = asyncio.ensure_future(writer(window).resume())
        await asyncio.sleep(0)
        window.fail(FencedError("another bridge"))
        with pytest.raises(FencedError, match="another bridge"):
            await resuming

    run(check())
