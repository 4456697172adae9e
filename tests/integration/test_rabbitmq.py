"""Both sources for RabbitMQ, our own and kombu's, on a real one."""

import asyncio
import shutil
import zlib
from collections.abc import Callable
from uuid import uuid4

import orjson
import pytest
from amqp import Message

from bridge.errors import ConfigError, ConnectError, CredentialsError
from bridge.model import Delivery
from tests.celeryapp import Worker, add, fail, pay, send
from tests.ledger import publish
from tests.reading import OpenSource, bodies, gaps, read_bodies, read_until, types
from tests.running import run, until
from tests.servers.ports import free_ports
from tests.servers.process import folder
from tests.servers.proxy import Proxy
from tests.servers.rabbitmq import RabbitServer
from tests.servers.tls import certificates

pytestmark = pytest.mark.servers("rabbitmq")


def publish_raw(server: RabbitServer, body: bytes, routing_key: str = "task.multi", **properties: object) -> None:
    """Past kombu: any body with any properties."""
    with server.connect(confirm_publish=True) as connection:
        connection.channel().basic_publish(Message(body, **properties), "celeryev", routing_key)


def test_a_real_worker_is_heard(rabbitmq: RabbitServer, group: str, open_source: OpenSource) -> None:
    """What Celery's own worker and client send arrives: sent, received, started, ended, custom and worker events."""
    wanted = {"task-sent", "task-received", "task-started", "task-succeeded", "task-failed", "order-paid"}
    wanted |= {"worker-online", "worker-heartbeat"}

    async def check() -> None:
        async with open_source(rabbitmq.url, group=group) as source:
            await source.start(None)
            with Worker(rabbitmq.url):
                sent = [send(add, 1, 2), send(fail, "no money"), send(pay, 7)]
                items = await read_until(source, lambda items: wanted <= types(items))

            text = b"".join(bodies(items)).decode()
            assert all(uuid in text for uuid in sent)
            deliveries = [item for item in items if isinstance(item, Delivery)]
            assert {delivery.content_type for delivery in deliveries} == {"application/json"}
            assert {"task.multi", "worker.heartbeat", "order.paid"} <= {delivery.routing_key for delivery in deliveries}
            assert not gaps(items)

    run(check(), seconds=90)


def test_reading_pauses_at_the_byte_bound_and_the_connection_lives(
    rabbitmq: RabbitServer, group: str, open_source: OpenSource
) -> None:
    """Unsettled bodies beyond max_unsettled_bytes stop the reading, heartbeats go on; settling goes on with it."""
    large = [b'{"type":"large","number":%d,"padding":"%s"}' % (n, b"x" * 1_000_000) for n in range(12)]

    async def check() -> None:
        async with Proxy(rabbitmq.port) as proxy:
            url = f"amqp://guest:guest@127.0.0.1:{proxy.port}//?heartbeat=1"
            async with open_source(url, group=group, max_unsettled_bytes=3_000_000) as source:
                await source.start(None)
                await asyncio.to_thread(publish, rabbitmq.url, large)
                held: list[Delivery] = []
                deadline = asyncio.get_running_loop().time() + 4  # heartbeats would be missed after 2 s
                while (left := deadline - asyncio.get_running_loop().time()) > 0:
                    try:
                        async with asyncio.timeout(left):
                            held += [item for item in await source.read() if isinstance(item, Delivery)]
                    except TimeoutError:
                        break

                assert len(held) == 3  # the third reaches the bound
                source.settle(held)
                rest = await read_bodies(source, len(large) - len(held))
                assert [delivery.body for delivery in held] + rest == large
                assert proxy.accepted == 1

    run(check(), seconds=60)


def test_the_broker_never_gives_more_than_prefetch(rabbitmq: RabbitServer, group: str, open_source: OpenSource) -> None:
    """With nothing settled, exactly `prefetch` come; each one settled lets one more come, but for the very first."""

    async def check() -> None:
        async with open_source(rabbitmq.url, group=group, prefetch=10) as source:
            await source.start(None)
            await asyncio.to_thread(publish, rabbitmq.url, [b"%d" % n for n in range(30)])
            held: list[Delivery] = []
            while len(held) < 10:
                held += [item for item in await source.read() if isinstance(item, Delivery)]
            assert len(held) == 10

            source.settle(held[:4])  # for our own source: in the place of its first one, that came alone, none comes
            more: list[Delivery] = []
            while len(more) < 3:
                more += [item for item in await source.read() if isinstance(item, Delivery)]
            assert [item.body for item in more[:3]] == [b"10", b"11", b"12"]

    run(check(), seconds=60)


def test_a_queue_with_other_arguments_is_a_configuration_error(
    rabbitmq: RabbitServer, group: str, open_source: OpenSource
) -> None:
    """Both values and the remedies are in the message; --queue-arg is one of them."""

    async def check() -> None:
        async with open_source(rabbitmq.url, group=group, queue_args={"x-max-length-bytes": "1000000"}):
            pass
        with pytest.raises(ConfigError) as caught:
            async with open_source(rabbitmq.url, group=group):
                pytest.fail("declared")
        text = str(caught.value)
        assert "1000000" in text
        assert "4294967296" in text
        assert all(remedy in text for remedy in ("celery-bridge forget", "--group", "--queue-arg"))

    run(check(), seconds=60)


def test_the_quorum_queue_is_declared_as_promised(rabbitmq: RabbitServer, group: str, open_source: OpenSource) -> None:
    """Durable, quorum, one active consumer, capped in bytes, practically no delivery limit; --queue-arg replaces."""

    async def check() -> None:
        async with open_source(rabbitmq.url, group=group, queue_args={"x-delivery-limit": "77"}):
            pass

    run(check(), seconds=60)
    listed = rabbitmq.ctl("list_queues", "name", "durable", "exclusive", "arguments", "--formatter", "json")
    (queue,) = [queue for queue in orjson.loads(listed) if queue["name"] == f"celeryev.bridge.{group}"]
    assert queue["durable"] is True
    assert not queue["exclusive"]
    assert {name: value for name, _, value in queue["arguments"]} == {
        "x-queue-type": "quorum",
        "x-single-active-consumer": True,
        "x-delivery-limit": 77,
        "x-max-length-bytes": 4 * 1024**3,
        "x-overflow": "drop-head",
    }


def test_the_transient_queue_leaves_nothing_behind(rabbitmq: RabbitServer, open_source: OpenSource) -> None:
    """It is exclusive, classic and capped while connected, and gone afterwards, settled or not."""
    before = rabbitmq.queues()

    async def check() -> str:
        async with open_source(rabbitmq.url, queue_type="transient") as source:
            await source.start(None)
            await asyncio.to_thread(publish, rabbitmq.url, [b"1", b"2"])
            await source.read()
            fields = ("name", "exclusive", "auto_delete", "arguments")
            return await asyncio.to_thread(rabbitmq.ctl, "list_queues", *fields, "--formatter", "json")

    listed = orjson.loads(run(check(), seconds=60))
    (queue,) = [queue for queue in listed if queue["name"] not in before]
    assert queue["exclusive"] is True
    assert queue["auto_delete"] is True
    assert {name: value for name, _, value in queue["arguments"]} == {
        "x-queue-type": "classic",
        "x-max-length-bytes": 256 * 1024**2,
        "x-overflow": "drop-head",
    }
    assert rabbitmq.queues() == before


def test_the_least_rights_are_enough(rabbitmq: RabbitServer, group: str, open_source: OpenSource) -> None:
    """On our own queues everything, on the exchange only read: it is looked for passively, never declared."""
    publish(rabbitmq.url, [b"the exchange is there"])
    rabbitmq.ctl("add_user", group, "secret")
    rights = (r"^celeryev\.bridge\.", r"^celeryev\.bridge\.", r"^celeryev(\.bridge\..*)?$")
    rabbitmq.ctl("set_permissions", group, *rights)

    async def check(queue_type: str) -> None:
        url = rabbitmq.url_of(group, "secret")
        async with open_source(url, group=group, queue_type=queue_type, fail_fast=True) as source:  # type: ignore[arg-type]
            await source.start(None)
            await asyncio.to_thread(publish, rabbitmq.url, [b"x"])
            assert await read_bodies(source, 1) == [b"x"]

    try:
        for queue_type in ("quorum", "transient"):
            run(check(queue_type), seconds=60)
    finally:
        rabbitmq.ctl("delete_user", group)


def test_a_missing_right_is_named(rabbitmq: RabbitServer, group: str, open_source: OpenSource) -> None:
    """A user without the right to configure the queue is told which right is missing, and on what."""
    rabbitmq.ctl("add_user", group, "secret")
    rabbitmq.ctl("set_permissions", group, "^$", "^$", ".*")

    async def check() -> None:
        with pytest.raises(CredentialsError, match=rf"right to configure the queue celeryev\.bridge\.{group}"):
            async with open_source(rabbitmq.url_of(group, "secret"), group=group, fail_fast=True):
                pytest.fail("declared")

    try:
        run(check(), seconds=60)
    finally:
        rabbitmq.ctl("delete_user", group)


def test_a_missing_right_to_read_is_an_error_with_fail_fast(
    rabbitmq: RabbitServer, group: str, open_source: OpenSource
) -> None:
    """It is missed only when deliveries are asked for, after everything was declared."""
    publish(rabbitmq.url, [b"the exchange is there"])
    rabbitmq.ctl("add_user", group, "secret")
    rabbitmq.ctl("set_permissions", group, r"^celeryev\.bridge\.", r"^celeryev\.bridge\.", "^celeryev$")

    async def check() -> None:
        async with open_source(rabbitmq.url_of(group, "secret"), group=group, fail_fast=True) as source:
            await source.start(None)
            with pytest.raises(CredentialsError, match=rf"right to read from the queue celeryev\.bridge\.{group}"):
                await source.read()

    try:
        run(check(), seconds=60)
    finally:
        rabbitmq.ctl("delete_user", group)


def test_a_wrong_password_is_an_error_with_fail_fast(rabbitmq: RabbitServer, open_source: OpenSource) -> None:
    """It is a CredentialsError that does not hold the password."""

    async def check() -> None:
        with pytest.raises(CredentialsError) as caught:
            async with open_source(rabbitmq.url_of("guest", "hunter2"), fail_fast=True):
                pytest.fail("connected")
        assert "hunter2" not in str(caught.value)

    run(check(), seconds=60)


def test_a_wrong_password_is_waited_for(rabbitmq: RabbitServer, group: str, open_source: OpenSource) -> None:
    """Without fail_fast the source connects once the password is the right one."""
    rabbitmq.ctl("add_user", group, "old")
    rabbitmq.ctl("set_permissions", group, ".*", ".*", ".*")

    async def check() -> None:
        source = open_source(rabbitmq.url_of(group, "new"), group=group)
        entering = asyncio.create_task(source.__aenter__())
        await asyncio.wait({entering}, timeout=1)
        assert not entering.done()
        await asyncio.to_thread(rabbitmq.ctl, "change_password", group, "new")
        await entering
        await source.__aexit__(None, None, None)

    try:
        run(check(), seconds=60)
    finally:
        rabbitmq.ctl("delete_user", group)


@pytest.mark.parametrize("compression", ["application/x-gzip", "application/x-unknown"])
def test_a_compressed_bomb_arrives_untouched(
    rabbitmq: RabbitServer, group: str, compression: str, open_source: OpenSource
) -> None:
    """200 MiB behind a compression header are not inflated here: the bytes and the header are handed on."""
    bomb = zlib.compress(b"\0" * 200 * 1024 * 1024)

    async def check() -> None:
        async with open_source(rabbitmq.url, group=group) as source:
            await source.start(None)
            headers = {"compression": compression}
            await asyncio.to_thread(publish_raw, rabbitmq, bomb, content_type="application/json", headers=headers)
            publish_raw(rabbitmq, bomb, content_type="application/json", application_headers=headers)
            items = await read_until(source, lambda items: len(items) == 2)
            _, item = items
            assert isinstance(item, Delivery)
            assert item.body == bomb
            assert item.headers["compression"] == compression

    run(check(), seconds=60)


def test_text_that_is_no_utf8_is_no_trouble(rabbitmq: RabbitServer, group: str, open_source: OpenSource) -> None:
    """A header or routing key of arbitrary bytes costs the properties at most, never the body or the connection."""

    async def check() -> None:
        async with Proxy(rabbitmq.port) as proxy:
            url = f"amqp://guest:guest@127.0.0.1:{proxy.port}//"
            async with open_source(url, group=group) as source:
                await source.start(None)
                for headers, routing_key in (({"x": "\udcff"}, "task.multi"), ({"x": "fine"}, "task.\udcff")):
                    await asyncio.to_thread(publish_raw, rabbitmq, b"body", routing_key, application_headers=headers)
                items = await read_until(source, lambda items: len(items) == 2)
                assert bodies(items) == [b"body", b"body"]
                assert proxy.accepted == 1

    run(check(), seconds=60)


def test_a_replica_stands_by_and_takes_over(rabbitmq: RabbitServer, group: str, open_source: OpenSource) -> None:
    """Of two sources of one group one gets everything; when it leaves, the other gets what was not settled."""

    async def check() -> None:
        first, second = (open_source(rabbitmq.url, group=group) for _ in range(2))
        async with second:
            async with first:
                await first.start(None)
                await asyncio.to_thread(publish, rabbitmq.url, [b"1"])
                assert bodies(await first.read()) == [b"1"]
                await second.start(None)
                waiting = asyncio.create_task(second.read())
                await asyncio.wait({waiting}, timeout=0.5)
                assert not waiting.done()
            (item,) = await waiting
            assert isinstance(item, Delivery)
            assert (item.body, item.redelivered) == (b"1", True)

    run(check(), seconds=60)


def test_settled_before_leaving_is_settled(rabbitmq: RabbitServer, group: str, open_source: OpenSource) -> None:
    """Acks of the last moment, 5,000 of them, reach the broker before the connection is closed."""

    async def check() -> None:
        async with open_source(rabbitmq.url, group=group) as source:
            await source.start(None)
            await asyncio.to_thread(publish, rabbitmq.url, [b"%d" % n for n in range(5000)])
            held: list[Delivery] = []
            while len(held) < 5000:
                held += [item for item in await source.read() if isinstance(item, Delivery)]
            source.settle(held)

    run(check(), seconds=60)
    wait_for(lambda: rabbitmq.depth(f"celeryev.bridge.{group}") == 0)


def wait_for(holds: Callable[[], bool]) -> None:
    async def check() -> None:
        await until(holds, every=0.05)

    run(check())


def test_a_virtual_host_of_quorum_queues_is_no_obstacle(rabbitmq: RabbitServer, open_source: OpenSource) -> None:
    """Its default type cannot be exclusive: the transient queue says aloud that it is classic."""
    vhost = f"quorum-{uuid4()}"
    rabbitmq.ctl("add_vhost", vhost, "--default-queue-type", "quorum")
    rabbitmq.ctl("set_permissions", "-p", vhost, "guest", ".*", ".*", ".*")

    async def check() -> None:
        url = rabbitmq.url_of("guest", "guest", vhost)
        async with open_source(url, queue_type="transient", fail_fast=True) as source:
            await source.start(None)
            await asyncio.to_thread(publish, url, [b"1"])
            assert await read_bodies(source, 1) == [b"1"]

    try:
        run(check(), seconds=60)
    finally:
        rabbitmq.ctl("delete_vhost", vhost)


def test_tls_verifies_the_broker(rabbitmq_servers: Callable[..., RabbitServer], open_source: OpenSource) -> None:
    """With its authority it connects and reads; without, and under another name, it does not."""
    place = folder("tls")
    place.chmod(0o755)  # the node runs as another user
    certificates(place)
    (place / "node.key").chmod(0o644)
    (port,) = free_ports(1)
    files = (("cacertfile", "ca.pem"), ("certfile", "node.crt"), ("keyfile", "node.key"))
    conf = f"listeners.ssl.default = {port}\n"
    conf += "".join(f"ssl_options.{option} = {place / name}\n" for option, name in files)
    server = rabbitmq_servers(conf=conf + "ssl_options.verify = verify_none\n")

    async def check(host: str, query: str) -> None:
        url = f"amqps://guest:guest@{host}:{port}//{query}"
        async with open_source(url, fail_fast=True, queue_type="transient") as source:
            await source.start(None)
            await asyncio.to_thread(publish, server.url, [b"x" * 100_000] * 20)
            assert await read_bodies(source, 20) == [b"x" * 100_000] * 20

    try:
        run(check("127.0.0.1", f"?ssl_ca_certs={place / 'ca.pem'}"), seconds=60)
        for host, query in (("127.0.0.1", ""), ("localhost", f"?ssl_ca_certs={place / 'ca.pem'}")):
            with pytest.raises(ConnectError, match="certificate"):
                run(check(host, query), seconds=60)
    finally:
        shutil.rmtree(place)
