"""What a stream holds before a place in it, read from a real RabbitMQ."""

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from uuid import uuid4

import pytest

from bridge.errors import BridgeError, SourceError
from bridge.model import Delivery
from bridge.sources.stream import StreamSource
from bridge.sources.stream.messages import position_of
from tests.ledger import publish
from tests.running import run
from tests.servers.ports import free_port
from tests.servers.rabbitmq import RabbitServer

pytestmark = pytest.mark.servers("rabbitmq")

SECONDS = 20.0
"""For the first message; much, because the machine may be busy."""


@pytest.fixture
def group(rabbitmq: RabbitServer) -> Iterator[str]:
    """A group of the test's own; its stream is removed afterwards."""
    name = f"test-{uuid4()}"
    yield name
    rabbitmq.delete(f"celeryev.bridge.{name}.stream")


def source(server: RabbitServer, group: str, *, streams: int | None = None, start: str | None = None) -> StreamSource:
    url = f"amqp://guest:guest@127.0.0.1:{server.port}//?stream_port={streams or server.stream_port}"
    return StreamSource(url, group=group, start=start)


def numbered(first: int, last: int) -> list[bytes]:
    return [b'{"number":%d}' % number for number in range(first, last + 1)]


async def send(server: RabbitServer, first: int, last: int) -> None:
    await asyncio.to_thread(publish, server.url, numbered(first, last))


async def take(source: StreamSource, count: int) -> list[Delivery]:
    taken: list[Delivery] = []
    while len(taken) < count:
        taken += [item for item in await source.read() if isinstance(item, Delivery)]
    return taken


async def past(source: StreamSource, position: bytes | None, messages: int = 1000) -> list[bytes]:
    """All bodies before the position; what is left is told right at the end."""
    found: list[bytes] = []
    lefts = [0]
    async with aclosing(source.before(position, messages, SECONDS)) as history:
        async for deliveries, left in history:
            found += [delivery.body for delivery in deliveries]
            lefts.append(left)
    assert lefts[-1] == 0
    return found


def test_the_past_ends_where_reading_begins(rabbitmq: RabbitServer, group: str) -> None:
    """Before an exact position, and before the one that the broker remembers; then reading goes on right behind it."""

    async def check() -> None:
        async with source(rabbitmq, group) as first:
            await first.start(None)
            await send(rabbitmq, 1, 3000)
            taken = await take(first, 3000)
            first.settle(taken[:2000])
        async with source(rabbitmq, group) as second:
            assert await past(second, taken[1499].position, 5000) == numbered(1, 1500)
            assert await past(second, taken[1499].position, 20) == numbered(1481, 1500)
            assert await past(second, None, 10) == numbered(1991, 2000)
            await second.start(None)
            assert [one.body for one in await take(second, 1000)] == numbered(2001, 3000)

    run(check(), seconds=60)


def test_the_past_over_amqp(rabbitmq: RabbitServer, group: str) -> None:
    """Where the port for streams is closed, a position is all that says where reading begins: without it, no past."""

    async def check() -> None:
        async with source(rabbitmq, group):
            await send(rabbitmq, 1, 50)
        async with source(rabbitmq, group, streams=free_port()) as over_amqp:
            assert await past(over_amqp, position_of(40), 15) == numbered(26, 40)
            assert await past(over_amqp, None) == []

    run(check(), seconds=60)


def test_nothing_lies_before_the_beginning(rabbitmq: RabbitServer, group: str) -> None:
    """Of a stream that was just made, of a first start, and of one that is told where to begin."""

    async def check() -> None:
        async with source(rabbitmq, group) as new:
            assert await past(new, position_of(7)) == []
            await send(rabbitmq, 1, 10)
        async with source(rabbitmq, group) as unread:
            assert await past(unread, None) == []
        async with source(rabbitmq, group, start="oldest") as rewound:
            assert await past(rewound, position_of(7)) == []
        async with source(rabbitmq, group, start="4") as rewound:
            assert await past(rewound, position_of(7)) == numbered(1, 4)

    run(check(), seconds=60)


def test_a_position_of_another_stream_has_no_past(rabbitmq: RabbitServer, group: str) -> None:
    """What a stream holds that ends below our position is to be read, not to be taken for the past."""

    async def check() -> None:
        async with source(rabbitmq, group):
            await send(rabbitmq, 1, 10)
        async with source(rabbitmq, group) as other:
            with pytest.raises(SourceError, match="does not reach our position"):
                await past(other, position_of(5000), 10_000)

    run(check(), seconds=60)


def test_without_a_connection_there_is_no_past(rabbitmq: RabbitServer, group: str) -> None:
    """It is an error that the caller can live with, not a wait."""

    async def check() -> None:
        unconnected = source(rabbitmq, group)
        with pytest.raises(BridgeError, match="not connected"):
            await past(unconnected, None)

    run(check(), seconds=60)
