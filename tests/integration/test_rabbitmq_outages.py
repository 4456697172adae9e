"""Both sources for RabbitMQ when a real one goes away, falls silent, or takes its consumer or queue away."""

import asyncio
import hashlib
from collections.abc import Callable

import orjson
import pytest
from structlog.testing import capture_logs

from bridge.model import Delivery
from bridge.sources import Source
from tests.ledger import publish, publishing
from tests.reading import OpenSource, bodies, gaps, read_bodies, read_until
from tests.running import run, until
from tests.servers.proxy import Proxy
from tests.servers.rabbitmq import RabbitServer

pytestmark = pytest.mark.servers("rabbitmq")

Servers = Callable[..., RabbitServer]


def test_nothing_accepted_is_lost_when_the_broker_restarts_under_load(
    rabbitmq_servers: Servers, open_source: OpenSource
) -> None:
    """Every event that the broker confirmed arrives, over a clean restart and a kill -9, its bytes untouched."""
    server = rabbitmq_servers()
    seen: dict[int, str] = {}

    async def check() -> None:
        async with open_source(server.url, prefetch=200) as source:
            await source.start(None)
            reading = asyncio.create_task(read(source))
            with publishing(server.url) as accepted:
                for end in (server.stop, server.kill):
                    before = len(accepted)
                    await until(lambda: len(accepted) > before + 1000, seconds=30)  # noqa: B023 - used in this turn
                    await asyncio.to_thread(end)
                    server.start(wait=False)  # from the main thread: a server dies with the thread that started it
                    await asyncio.to_thread(server.wait)
                before = len(accepted)
                await until(lambda: len(accepted) > before + 1000, seconds=30)
            await until(lambda: set(accepted) <= set(seen), seconds=30)
            source.stop()
            await reading

            assert {number: seen[number] for number in accepted} == accepted
            assert len(accepted) > 3000

    async def read(source: Source) -> None:
        while items := await read_or_end(source):
            for item in items:
                assert isinstance(item, Delivery), "a durable queue has no gaps"
                seen[orjson.loads(item.body)["clock"]] = hashlib.sha256(item.body).hexdigest()
            source.settle([item for item in items if isinstance(item, Delivery)])

    run(check(), seconds=110)


async def read_or_end(source: Source) -> list[object]:
    from bridge.errors import EndOfStream

    try:
        return [*await source.read()]
    except EndOfStream:
        return []


def test_a_connection_that_falls_silent_is_noticed(rabbitmq: RabbitServer, group: str, open_source: OpenSource) -> None:
    """With packets dropped and the connection open, missing heartbeats tell; a new connection reads on."""

    async def check() -> None:
        async with Proxy(rabbitmq.port) as proxy:
            url = f"amqp://guest:guest@127.0.0.1:{proxy.port}//?heartbeat=1"
            async with open_source(url, group=group) as source:
                await source.start(None)
                await asyncio.to_thread(publish, rabbitmq.url, [b"before"])
                await read_bodies(source, 1)
                proxy.freeze()
                await asyncio.to_thread(publish, rabbitmq.url, [b'{"type":"while-frozen"}'])
                await until(lambda: proxy.accepted > 1, seconds=40)
                proxy.thaw()

                assert await read_bodies(source, 1) == [b'{"type":"while-frozen"}']

    run(check(), seconds=60)


def test_leaving_a_broker_that_hangs_ends_in_time(rabbitmq: RabbitServer, group: str, open_source: OpenSource) -> None:
    """With the connection frozen, closing is given up within its 5 s; no thread is left."""

    async def check() -> float:
        loop = asyncio.get_running_loop()
        async with Proxy(rabbitmq.port) as proxy:
            async with open_source(f"amqp://guest:guest@127.0.0.1:{proxy.port}//", group=group) as source:
                await source.start(None)
                proxy.freeze()
                before = loop.time()
            return loop.time() - before

    assert run(check(), seconds=60) < 10  # a busy machine takes its time; missed heartbeats would take 20


def test_a_deleted_queue_is_made_again_and_reported(
    rabbitmq: RabbitServer, group: str, open_source: OpenSource
) -> None:
    """The broker cancels the consumer; what may have been lost is one Gap with its reason, and reading goes on."""

    async def check() -> None:
        async with open_source(rabbitmq.url, group=group) as source:
            await source.start(None)
            await asyncio.to_thread(publish, rabbitmq.url, [b"before"])
            await read_bodies(source, 1)
            await asyncio.to_thread(rabbitmq.delete, f"celeryev.bridge.{group}")
            items = await read_until(source, lambda items: bool(gaps(items)))
            await asyncio.to_thread(publish, rabbitmq.url, [b"after"])

            assert await read_bodies(source, 1) == [b"after"]
            (gap,) = gaps(items)
            assert gap.reason == "queue-deleted"
            assert gap.from_time <= gap.to_time
            assert gap.lost is None

    run(check(), seconds=60)


def test_a_transient_queue_makes_one_gap_per_outage(rabbitmq: RabbitServer, open_source: OpenSource) -> None:
    """However many attempts it took: one Gap, which ends when the new queue was bound."""

    async def check() -> None:
        async with Proxy(rabbitmq.port) as proxy:
            url = f"amqp://guest:guest@127.0.0.1:{proxy.port}//"
            async with open_source(url, queue_type="transient") as source:
                await source.start(None)
                await asyncio.to_thread(publish, rabbitmq.url, [b"before"])
                await read_bodies(source, 1)
                await proxy.down()
                await asyncio.to_thread(publish, rabbitmq.url, [b"lost"])
                await asyncio.wait({reading := asyncio.create_task(source.read())}, timeout=1)
                await proxy.up()
                first = await reading
                await asyncio.to_thread(publish, rabbitmq.url, [b"after"])
                items = first + await read_until(source, lambda items: bool(bodies(items)))

                (gap,) = gaps(items)
                assert gap.reason == "disconnected"
                assert gap.to_time - gap.from_time >= 1
                assert bodies(items) == [b"after"]

    run(check(), seconds=60)


def test_what_was_not_read_when_the_connection_was_lost_comes_once(
    rabbitmq: RabbitServer, group: str, open_source: OpenSource
) -> None:
    """The broker gives all of it again: what waited for the chain meanwhile is forgotten, not handed out too."""
    sent = [b"%d" % number for number in range(2000)]

    async def waiting(count: int) -> None:
        await until(lambda: rabbitmq.depth(f"celeryev.bridge.{group}") == count, seconds=40, every=0.05)

    async def check() -> None:
        async with Proxy(rabbitmq.port) as proxy:
            url = f"amqp://guest:guest@127.0.0.1:{proxy.port}//"
            async with open_source(url, group=group) as source:
                await source.start(None)
                await asyncio.to_thread(publish, rabbitmq.url, sent)
                await waiting(0)  # all of it is here, and nobody reads it
                await proxy.down()
                await waiting(len(sent))
                await proxy.up()
                await waiting(0)
                items = await read_until(source, lambda items: len(items) >= len(sent))
                assert sorted(bodies(items), key=int) == sent
                assert len(items) == len(sent)

    run(check(), seconds=110)


def test_an_ack_that_came_too_late_is_only_a_reconnect(
    rabbitmq: RabbitServer, group: str, open_source: OpenSource
) -> None:
    """
    RabbitMQ closes the channel of who does not ack in time (consumer_timeout): what it held comes again, with our own
    reader once that is settled, for until then it would only be too late again.
    """

    def limits(timeout: str, tick: str) -> None:
        setting = (
            "application:set_env(rabbit, consumer_timeout, {}), application:set_env(rabbit, channel_tick_interval, {})."
        )
        rabbitmq.ctl("eval", setting.format(timeout, tick))

    async def check() -> None:
        async with open_source(rabbitmq.url, group=group) as source:
            await source.start(None)
            await asyncio.to_thread(publish, rabbitmq.url, [b"slow"])
            with capture_logs() as logs:
                first = await source.read()
                await until(lambda: any(line["event"] == "broker connection lost" for line in logs), seconds=60)
            source.settle([item for item in first if isinstance(item, Delivery)])
            again = await source.read()
            assert bodies(first) == bodies(again) == [b"slow"]
            assert isinstance(again[0], Delivery)
            assert again[0].redelivered

    limits("1000", "1000")
    try:
        run(check(), seconds=90)
    finally:
        limits("1800000", "60000")
