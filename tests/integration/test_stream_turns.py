"""Replicas that read one stream in turn, on a real RabbitMQ."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import pytest
import structlog
from amqp.exceptions import NotFound

from bridge.errors import EndOfStream, TurnLostError
from bridge.model import Delivery
from bridge.sources.stream import StreamSource
from tests.ledger import publish
from tests.running import run, until
from tests.servers.ports import free_port
from tests.servers.proxy import Proxy
from tests.servers.rabbitmq import RabbitServer

pytestmark = pytest.mark.servers("rabbitmq")


@pytest.fixture
def group(rabbitmq: RabbitServer) -> Iterator[str]:
    """A group of the test's own; its stream is removed afterwards."""
    name = f"test-{uuid4()}"
    yield name
    rabbitmq.delete(f"celeryev.bridge.{name}.stream")


def numbered(first: int, last: int) -> list[bytes]:
    return [b'{"number":%d}' % number for number in range(first, last + 1)]


def replica(server: RabbitServer, group: str, *, amqp: int | None = None, streams: int | None = None) -> StreamSource:
    """One of several, behind proxies or not."""
    return StreamSource(
        f"amqp://guest:guest@127.0.0.1:{amqp or server.port}//?stream_port={streams or server.stream_port}", group=group
    )


async def send(server: RabbitServer, first: int, last: int) -> None:
    await asyncio.to_thread(publish, server.url, numbered(first, last))


async def take(source: StreamSource, count: int) -> list[Delivery]:
    """Read, and settle nothing, until there are so many deliveries."""
    taken: list[Delivery] = []
    while len(taken) < count:
        taken += [item for item in await source.read() if isinstance(item, Delivery)]
    return taken


def bodies(taken: list[Delivery]) -> list[bytes]:
    return [one.body for one in taken]


def flags(server: RabbitServer, group: str) -> bool:
    """Whether the flag of the turn is up."""
    with server.connect() as connection:
        try:
            connection.channel().exchange_declare(f"celeryev.bridge.{group}.stream.lock", "fanout", passive=True)
        except NotFound:
            return False
        return True


@pytest.mark.parametrize("over_amqp", [False, True])
def test_one_reads_and_the_other_waits(rabbitmq: RabbitServer, group: str, over_amqp: bool) -> None:
    """
    When the first is left the second goes on where it had got to, though it had made the stream. Nothing of the lock is
    left behind at last.
    """
    streams = free_port() if over_amqp else rabbitmq.stream_port

    async def check() -> None:
        with structlog.testing.capture_logs() as logs:
            async with replica(rabbitmq, group, streams=streams) as second:
                async with replica(rabbitmq, group, streams=streams) as first:
                    await first.acquire()
                    await first.start(None)
                    await send(rabbitmq, 1, 10)
                    taken = await take(first, 10)
                    waiting = asyncio.create_task(second.acquire())
                    await until(lambda: any(line["event"] == "waiting for the active replica" for line in logs))
                    assert not waiting.done()
                    first.settle(taken[:6])
                await waiting
                await second.start(taken[5].position if over_amqp else None)
                assert bodies(await take(second, 4)) == numbered(7, 10)
                assert flags(rabbitmq, group)
        assert not flags(rabbitmq, group)

    run(check(), seconds=60)


def test_one_that_is_stopped_does_not_wait_any_longer(rabbitmq: RabbitServer, group: str) -> None:
    """It has no turn, and gets nothing."""

    async def check() -> None:
        async with replica(rabbitmq, group) as first, replica(rabbitmq, group) as second:
            await first.acquire()
            waiting = asyncio.create_task(second.acquire())
            await asyncio.sleep(0)
            second.stop()
            await waiting
            await second.start(None)
            with pytest.raises(EndOfStream):
                await second.read()

    run(check(), seconds=30)


def test_a_turn_that_is_lost_for_a_moment_is_only_a_pause(rabbitmq: RabbitServer, group: str) -> None:
    """The connection of the lock is cut, nobody else wants it: reading goes on, nothing is repeated."""

    async def check() -> None:
        async with Proxy(rabbitmq.port) as amqp, replica(rabbitmq, group, amqp=amqp.port) as source:
            await source.acquire()
            await source.start(None)
            await send(rabbitmq, 1, 5)
            first = await take(source, 5)
            for number in range(6, 16, 5):
                await amqp.drop()
                await send(rabbitmq, number, number + 4)
                assert bodies(await take(source, 5)) == numbered(number, number + 4)
            assert bodies(first) == numbered(1, 5)

    run(check(), seconds=60)


def test_a_turn_that_another_one_took_is_waited_for_again(rabbitmq: RabbitServer, group: str) -> None:
    """
    Who was cut off from the broker hands out nothing more that it holds; it says that its turn is lost, can be left and
    entered, and goes on behind the other one when that is left. What was noted of starts meanwhile stays as it is.
    """

    async def check() -> None:
        async with Proxy(rabbitmq.port) as amqp:
            first = replica(rabbitmq, group, amqp=amqp.port)
            async with first:
                await first.acquire()
                assert await first.begin() == 0
                await first.start(None)
                await send(rabbitmq, 1, 4)
                done = (await take(first, 4))[-1].position
                async with replica(rabbitmq, group) as second:
                    await amqp.down()
                    await second.acquire()
                    assert await second.begin() == 1
                    await second.start(done)
                    await send(rabbitmq, 5, 8)
                    done = (await take(second, 4))[-1].position
                    await amqp.up()
                    with pytest.raises(TurnLostError):
                        await first.read()
                    await first.rest()
                    await first.__aexit__(None, None, None)
                    await first.__aenter__()
                    waiting = asyncio.create_task(first.acquire())
                await waiting
                assert await first.begin() == 2
                await first.start(done)
                await send(rabbitmq, 9, 10)
                assert bodies(await take(first, 2)) == numbered(9, 10)

    run(check(), seconds=90)
