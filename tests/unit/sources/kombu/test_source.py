"""bridge.sources.kombu.source; what every source promises is in tests/contract."""

import asyncio
import socket
from collections.abc import Iterator

import pytest
from kombu import Connection

from bridge.errors import ConfigError, ConnectError, EndOfStream
from bridge.model import Delivery
from bridge.sources.kombu import KombuSource
from tests.ledger import publish
from tests.running import run


@pytest.fixture(autouse=True)
def no_queues_left() -> Iterator[None]:
    """The memory transport's queues are the process's, as the bindings are."""
    yield
    with Connection("memory://") as connection, connection.channel() as channel:
        channel.queues.clear()
        channel.state.clear()


def nobody() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def test_every_problem_is_told_at_once() -> None:
    """URL, group and both numbers."""
    with pytest.raises(ConfigError) as caught:
        KombuSource("rabbit://h", group="a b", prefetch=0, max_unsettled_bytes=0)
    assert len(caught.value.problems) == 4


def test_alternatives_are_tried_in_turn() -> None:
    """The second broker is used when the first is not there."""

    async def check() -> None:
        url = f"amqp://127.0.0.1:{nobody()}//;memory://"
        async with KombuSource(url, queue_type="transient") as source:
            await source.start(None)
            publish("memory://", [b"1"])
            (item,) = await source.read()
            assert isinstance(item, Delivery)
            assert item.body == b"1"

    run(check())


def test_what_is_shown_holds_no_secret() -> None:
    """Neither does the error that names it."""

    async def check() -> None:
        source = KombuSource(f"amqp://user:hunter2@127.0.0.1:{nobody()}//", fail_fast=True)
        assert "hunter2" not in source.shown
        with pytest.raises(ConnectError) as caught:
            async with source:
                pytest.fail("connected to nobody")
        assert "hunter2" not in str(caught.value)

    run(check())


def test_received_at_is_the_clocks_time() -> None:
    """When we read it, in seconds since the epoch."""

    class Fixed:
        def now(self) -> float:
            return 5.0

        def monotonic(self) -> float:
            return 0.0

        async def sleep(self, seconds: float) -> None:
            raise NotImplementedError

    async def check() -> None:
        async with KombuSource("memory://", queue_type="transient", clock=Fixed()) as source:
            await source.start(None)
            publish("memory://", [b"1"])
            (item,) = await source.read()
            assert isinstance(item, Delivery)
            assert item.received_at == 5.0

    run(check())


def test_what_is_published_between_connecting_and_starting_is_read() -> None:
    """From connecting on the broker keeps events for us."""

    async def check() -> None:
        async with KombuSource("memory://", queue_type="transient") as source:
            publish("memory://", [b"1"])
            await source.acquire()
            await source.start(None)
            (item,) = await source.read()
            assert isinstance(item, Delivery)
            assert item.body == b"1"

    run(check())


def test_a_signal_may_stop_it_from_another_task() -> None:
    """Reading ends; entered twice and left twice it does nothing the second time."""

    async def check() -> None:
        source = KombuSource("memory://", queue_type="transient")
        async with source, source:
            await source.start(None)
            asyncio.get_running_loop().call_soon(source.stop)
            with pytest.raises(EndOfStream):
                await source.read()

    run(check())
