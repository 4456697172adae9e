"""The Redis source when its server fails, freezes, cuts it off or is replaced."""

import asyncio
import time
from collections.abc import Callable

import orjson
import pytest
from redis import Redis
from structlog.testing import capture_logs

from bridge.sources.redis import RedisSource
from tests.ledger import publish
from tests.reading import bodies, gaps, read_bodies, read_until
from tests.running import run, until
from tests.servers.redis import RedisServer, Sentinel

pytestmark = pytest.mark.servers("redis")

Servers = Callable[..., RedisServer]


def subscribers(client: Redis) -> int:
    """How many subscriptions there are."""
    count: int = client.pubsub_numpat()  # type: ignore[assignment]
    return count


def test_a_frozen_server_is_noticed(redis_servers: Servers) -> None:
    """SIGSTOP: connections stay open and nobody answers. One Gap, from before the freeze to after it."""
    server = redis_servers()

    async def check() -> None:
        async with RedisSource(f"{server.url}?health_check_interval=0.2") as source:
            await source.start(None)
            await asyncio.to_thread(publish, server.url, [b"before"])
            await read_bodies(source, 1)
            frozen_at = time.time()
            reading = asyncio.create_task(source.read())
            with capture_logs() as logs:
                server.process.freeze()
                await until(lambda: any(log["event"] == "broker connection lost" for log in logs), seconds=30)
            thawed_at = time.time()
            server.process.resume()
            (gap,) = gaps(await reading)
            await asyncio.to_thread(publish, server.url, [b"after"])

            assert await read_bodies(source, 1) == [b"after"]
            assert gap.from_time <= frozen_at
            assert gap.to_time >= thawed_at

    run(check(), seconds=60)


def test_a_subscriber_that_redis_cut_off_is_one_gap(redis_servers: Servers) -> None:
    """A loop that stands still lets Redis's output buffer overflow; what was lost then lies inside the Gap."""
    server = redis_servers("--client-output-buffer-limit", "pubsub 1mb 1mb 1")
    body = b'{"padding":"%s"}' % (b"x" * 100_000)
    envelope = orjson.dumps({"body": body.decode()})

    async def check() -> None:
        async with RedisSource(server.url) as source:
            await source.start(None)
            began_at = time.time()
            with server.client() as client:
                for _ in range(400):  # on purpose in the loop: nothing is read meanwhile
                    client.publish("/0.celeryev/task.multi", envelope)
                ended_at = time.time()
            items = await read_until(source, lambda items: bool(gaps(items)))

            (gap,) = gaps(items)
            assert gap.reason == "disconnected"
            assert gap.from_time <= began_at
            assert gap.to_time >= ended_at
            assert len(bodies(items)) < 400

    run(check(), seconds=60)


def test_a_sink_that_stands_still_does_not_stop_the_reading(redis_servers: Servers) -> None:
    """With nobody reading the source, ten times what Redis holds for a subscriber arrives: no Gap, nothing lost."""
    server = redis_servers("--client-output-buffer-limit", "pubsub 1mb 1mb 1")
    batches = [b'{"n":%d,"padding":"%s"}' % (n, b"x" * 10_000) for n in range(1000)]

    async def check() -> None:
        async with RedisSource(server.url) as source:
            await source.start(None)
            await asyncio.to_thread(publish, server.url, batches)
            items = await read_until(source, lambda items: len(bodies(items)) == len(batches))

            assert bodies(items) == batches
            assert not gaps(items)

    run(check(), seconds=60)


def test_it_follows_the_master_over_a_failover(redis_servers: Servers, sentinels: Callable[..., Sentinel]) -> None:
    """The master dies, its replica takes over: one Gap, and what is published there is read."""
    master = redis_servers()
    replica = redis_servers("--replicaof", f"127.0.0.1 {master.port}")
    sentinel = sentinels(master)
    url = f"sentinel://127.0.0.1:1;sentinel://127.0.0.1:{sentinel.port}?master_name=mymaster"

    async def check() -> None:
        with sentinel.client() as asked, replica.client() as promoted:
            await until(lambda: len(asked.sentinel_slaves("mymaster")) == 1, seconds=30, every=0.1)
            await until(lambda: promoted.info("replication")["master_link_status"] == "up", seconds=30, every=0.1)
            async with RedisSource(url) as source:
                await source.start(None)
                await asyncio.to_thread(publish, master.url, [b"before"])
                assert await read_bodies(source, 1) == [b"before"]
                master.kill()
                items = await read_until(source, lambda items: bool(gaps(items)), seconds=60)
                assert promoted.role()[0] == b"master"
                await asyncio.to_thread(publish, replica.url, [b"after"])
                items += await read_until(source, lambda items: bool(bodies(items)))

                assert [gap.reason for gap in gaps(items)] == ["disconnected"]
                assert bodies(items) == [b"after"]

    run(check(), seconds=120)


def test_a_master_that_was_demoted_is_left(redis_servers: Servers, sentinels: Callable[..., Sentinel]) -> None:
    """When the sentinels name another one, the connection is given up though it is in order."""
    old, new = redis_servers(), redis_servers()
    sentinel = sentinels(old)

    async def check() -> None:
        url = f"sentinel://127.0.0.1:{sentinel.port}?master_name=mymaster"
        async with RedisSource(url) as source:
            await source.start(None)
            with sentinel.client() as asked:
                asked.sentinel_remove("mymaster")
                asked.sentinel_monitor("mymaster", "127.0.0.1", new.port, 1)
            items = await read_until(source, lambda items: bool(gaps(items)))
            await asyncio.to_thread(publish, new.url, [b"after"])
            items += await read_until(source, lambda items: bool(bodies(items)))

            assert [gap.reason for gap in gaps(items)] == ["disconnected"]
            assert bodies(items) == [b"after"]

    run(check(), seconds=60)


def test_a_replica_is_no_master(redis_servers: Servers, sentinels: Callable[..., Sentinel]) -> None:
    """A server that the sentinels still name, and that says it is a replica, is not subscribed to."""
    master = redis_servers()
    replica = redis_servers("--replicaof", f"127.0.0.1 {master.port}")
    sentinel = sentinels(replica, "sentinel down-after-milliseconds mymaster 60000")

    async def check() -> None:
        url = f"sentinel://127.0.0.1:{sentinel.port}?master_name=mymaster"
        source = RedisSource(url)
        entering = asyncio.create_task(source.__aenter__())
        with replica.client() as client:
            await until(lambda: _asked(client), seconds=30, every=0.05)
            assert subscribers(client) == 0
            client.replicaof("NO", "ONE")
            await entering
            assert subscribers(client) == 1
        await source.__aexit__(None, None, None)

    run(check(), seconds=60)


def _asked(client: Redis) -> bool:
    """Whether anybody asked for the server's role, besides the sentinel that does so by INFO."""
    stats = client.info("commandstats")
    return "cmdstat_role" in stats
