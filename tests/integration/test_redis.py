"""The Redis source on a real Redis: pub/sub keeps nothing, so every loss has to be told."""

import asyncio
import base64
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from bridge.errors import ConnectError, CredentialsError
from bridge.model import Delivery, Gap
from bridge.sources.redis import RedisSource
from tests.celeryapp import Worker, add, fail, pay, send
from tests.ledger import Publisher, publish
from tests.reading import Items, bodies, gaps, read_bodies, read_until, types
from tests.running import run, until
from tests.servers.proxy import Proxy
from tests.servers.redis import RedisServer
from tests.servers.tls import certificates

pytestmark = pytest.mark.servers("redis")

Servers = Callable[..., RedisServer]


def test_a_real_worker_is_heard(redis: RedisServer) -> None:
    """What Celery's own worker and client send arrives, with its routing keys."""
    wanted = {"task-sent", "task-received", "task-started", "task-succeeded", "task-failed", "order-paid"}
    wanted |= {"worker-online", "worker-heartbeat"}

    async def check() -> None:
        async with RedisSource(redis.url) as source:
            await source.start(None)
            with Worker(redis.url):
                sent = [send(add, 1, 2), send(fail, "no money"), send(pay, 7)]
                items = await read_until(source, lambda items: wanted <= types(items))

            text = b"".join(bodies(items)).decode()
            assert all(uuid in text for uuid in sent)
            deliveries = [item for item in items if isinstance(item, Delivery)]
            assert {"task.multi", "worker.heartbeat", "order.paid"} <= {delivery.routing_key for delivery in deliveries}
            assert not gaps(items)

    run(check(), seconds=90)


def test_nothing_is_left_behind(redis_servers: Servers) -> None:
    """Reading and leaving adds no key: no binding, no unacknowledged messages."""
    server = redis_servers()

    async def check() -> None:
        async with RedisSource(server.url) as source:
            await source.start(None)
            with server.client() as client:
                envelope = orjson.dumps({"body": "e30=", "properties": {"body_encoding": "base64"}})
                client.publish("/0.celeryev/task.multi", envelope)
            items = await source.read()
            assert bodies(items) == [b"{}"]
            source.settle([item for item in items if isinstance(item, Delivery)])

    run(check())
    with server.client() as client:
        assert client.keys("*") == []


def test_a_killed_client_is_one_gap(redis: RedisServer) -> None:
    """CLIENT KILL: one Gap between what came before and what comes after."""

    async def check() -> None:
        async with RedisSource(redis.url) as source:
            await source.start(None)
            await asyncio.to_thread(publish, redis.url, [b"before"])
            before = await read_bodies(source, 1)
            with redis.client() as client:
                assert client.client_kill_filter(_type="pubsub") == 1
            items = await read_until(source, lambda items: bool(gaps(items)))
            await asyncio.to_thread(publish, redis.url, [b"after"])
            items += await read_until(source, lambda items: bool(bodies(items)))

            assert before == [b"before"]
            (gap,) = gaps(items)
            assert (gap.reason, gap.lost) == ("disconnected", None)
            assert 0 <= gap.to_time - gap.from_time < 5
            assert bodies(items) == [b"after"]

    run(check())


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_restart_is_one_gap_however_many_attempts_it_takes(redis_servers: Servers, how: str) -> None:
    """Server down, several attempts refused, server up: one Gap over all of it."""
    server = redis_servers()

    async def check() -> None:
        async with RedisSource(server.url) as source:
            await source.start(None)
            await asyncio.to_thread(publish, server.url, [b"before"])
            await read_bodies(source, 1)
            server.stop() if how == "stop" else server.kill()
            await asyncio.wait({reading := asyncio.create_task(source.read())}, timeout=1)
            server.start()
            items = await reading
            await asyncio.to_thread(publish, server.url, [b"after"])
            items += await read_until(source, lambda items: bool(bodies(items)))

            assert [gap.reason for gap in gaps(items)] == ["disconnected"]
            assert gaps(items)[0].to_time - gaps(items)[0].from_time >= 1
            assert bodies(items) == [b"after"]

    run(check(), seconds=60)


def test_a_connection_that_falls_silent_is_noticed(redis: RedisServer) -> None:
    """With packets dropped and the connection open, unanswered pings tell: a Gap, and reading goes on."""

    async def check() -> None:
        async with Proxy(redis.port) as proxy:
            url = f"redis://127.0.0.1:{proxy.port}/0?health_check_interval=0.2"
            async with RedisSource(url) as source:
                await source.start(None)
                made = proxy.accepted
                proxy.freeze()
                await until(lambda: proxy.accepted > made, seconds=40)
                proxy.thaw()
                items = await read_until(source, lambda items: bool(gaps(items)))
                await asyncio.to_thread(publish, redis.url, [b"after"])

                assert await read_bodies(source, 1) == [b"after"]
                assert [gap.reason for gap in gaps(items)] == ["disconnected"]

    run(check(), seconds=60)


def test_a_silent_server_that_answers_pings_is_alive(redis: RedisServer) -> None:
    """Hours without an event are no outage: pings are answered, no connection is made again."""

    async def check() -> None:
        async with Proxy(redis.port) as proxy:
            url = f"redis://127.0.0.1:{proxy.port}/0?health_check_interval=0.05"
            async with RedisSource(url) as source:
                await source.start(None)
                made = proxy.accepted
                await asyncio.wait({reading := asyncio.create_task(source.read())}, timeout=1)
                await asyncio.to_thread(publish, redis.url, [b"at last"])

                assert bodies(await reading) == [b"at last"]
                assert proxy.accepted == made

    run(check())


def test_every_event_is_handed_out_or_counted(redis: RedisServer) -> None:
    """While nobody reads, the oldest are kept; Gaps in their place say exactly how many events are lost."""
    batches = [b'[{"n":%d},{"n":%d}]' % (n, n) for n in range(500)]

    def accounted(items: Items) -> int:
        return 2 * len(bodies(items)) + sum(gap.lost or 0 for gap in gaps(items))

    async def check() -> None:
        async with RedisSource(
            redis.url, buffer_bytes=2100
        ) as source:  # ten messages, at 200 bytes besides their bodies
            await source.start(None)
            await asyncio.to_thread(publish, redis.url, batches)
            items = await read_until(source, lambda items: accounted(items) >= 1000)

            assert accounted(items) == 1000
            assert bodies(items)[:10] == batches[:10]
            assert bodies(items) == [batch for batch in batches if batch in bodies(items)]
            first = items[10]
            assert isinstance(first, Gap)
            assert first.from_time <= first.to_time
            assert all((gap.reason, gap.lost_exact) == ("overflow", True) for gap in gaps(items))

    run(check())


def test_what_is_no_envelope_arrives_as_it_is(redis: RedisServer) -> None:
    """Broken JSON, broken base64 and a bomb are handed on untouched: nothing of them is dropped or inflated."""
    good = {"body": base64.b64encode(b"\x1f\x8b bomb").decode(), "headers": {"compression": "application/x-gzip"}}
    good["properties"] = {"body_encoding": "base64", "delivery_info": {"routing_key": "task.multi"}}  # type: ignore[assignment]
    broken = [
        b"{ no json",
        b"\xff\xfe",
        b'{"body":"%%%","properties":{"body_encoding":"base64"}}',
        b"[1]",
        b'{"body":null}',
    ]

    async def check() -> None:
        async with RedisSource(redis.url) as source:
            await source.start(None)
            with redis.client() as client:
                for data in [*broken, orjson.dumps(good)]:
                    client.publish("/0.celeryev/task.multi", data)
            items = await read_until(source, lambda items: len(items) == 6)

            assert bodies(items) == [*broken, b"\x1f\x8b bomb"]
            last = items[-1]
            assert isinstance(last, Delivery)
            assert last.headers == {"compression": "application/x-gzip"}
            assert all(isinstance(item, Delivery) and item.routing_key == "task.multi" for item in items)

    run(check())


@pytest.mark.parametrize(
    ("path", "options"),
    [("3", {}), ("0", {"global_keyprefix": "gk:"}), ("0", {"fanout_patterns": False}), ("0", {"fanout_prefix": False})],
)
def test_channels_are_named_as_kombu_names_them(redis: RedisServer, path: str, options: dict[str, object]) -> None:
    """Database, key prefix, and the two fanout options of kombu: what its publisher sends is heard."""
    query = "&".join(f"{name}={value}" for name, value in options.items())

    async def check() -> None:
        url = f"redis://127.0.0.1:{redis.port}/{path}"
        async with RedisSource(f"{url}?{query}" if query else url) as source:
            await source.start(None)

            def send() -> None:
                with Publisher(url, options) as publisher:
                    publisher.send(b"{}", routing_key="worker.heartbeat")

            await asyncio.to_thread(send)
            (item,) = await source.read()
            assert isinstance(item, Delivery)
            assert (item.body, item.routing_key) == (b"{}", "worker.heartbeat")

    run(check())


def test_a_wrong_password_is_an_error_with_fail_fast(redis_servers: Servers) -> None:
    """Whether there is none, a wrong one or a wrong user: a CredentialsError, which does not hold it."""
    server = redis_servers("--requirepass", "right")

    async def check(login: str) -> None:
        with pytest.raises(CredentialsError) as caught:
            async with RedisSource(f"redis://{login}127.0.0.1:{server.port}/0", fail_fast=True):
                pytest.fail("connected")
        assert "hunter2" not in str(caught.value)

    for login in ("", ":hunter2@", "nobody:hunter2@"):
        run(check(login))


def test_tls_verifies_the_server(redis_servers: Servers, tmp_path: Path) -> None:
    """With its authority it connects; without, and under another name, it does not."""
    folder = certificates(tmp_path)
    server = redis_servers(
        *("--tls-auth-clients", "no", "--tls-ca-cert-file", str(folder / "ca.pem")),
        *("--tls-cert-file", str(folder / "node.crt"), "--tls-key-file", str(folder / "node.key")),
        tls=True,
    )

    async def connect(host: str, query: str) -> None:
        async with RedisSource(f"rediss://{host}:{server.port}/0{query}", fail_fast=True) as source:
            await source.start(None)

    run(connect("127.0.0.1", f"?ssl_ca_certs={folder / 'ca.pem'}"))
    for host, query in (("127.0.0.1", ""), ("localhost", f"?ssl_ca_certs={folder / 'ca.pem'}")):
        with pytest.raises(ConnectError, match="certificate"):
            run(connect(host, query))
