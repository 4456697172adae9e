"""Our own source for RabbitMQ, where it has something of its own to show on a real one."""

import asyncio
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from amqp import Message

from bridge.errors import ConnectError, CredentialsError
from bridge.model import Delivery
from bridge.sources.amqp import AmqpSource
from bridge.sources.amqp.depth import ASK_SECONDS
from bridge.sources.kombu import KombuSource
from bridge.telemetry import Counters
from bridge.testing import FakeClock
from tests import captures
from tests.ledger import Publisher, publish
from tests.reading import bodies, read_bodies, read_until
from tests.running import run, until
from tests.servers.ports import free_ports
from tests.servers.process import folder
from tests.servers.rabbitmq import RabbitServer
from tests.servers.tls import certificates

pytestmark = pytest.mark.servers("rabbitmq")

LARGE = b"".join(b"%07d " % number for number in range(200_000))

BODIES = [b"%d" % number for number in range(3_000)]

ODD: list[dict[str, Any]] = [
    {},
    {"content_type": "application/x-python-serialize", "content_encoding": "binary"},
    {"headers": {"hostname": "w@h", "n": -5, "large": 2**40, "yes": True, "none": None, "pi": 3.25, "text": "ä€"}},
    {"headers": {"nested": {"list": [1, "a", {"b": [None]}]}, "bytes": b"\xff\x00"}},
    {"priority": 7, "expiration": 60, "correlation_id": "c", "reply_to": "r", "message_id": "m", "type": "t"},
]


def test_it_reads_what_kombu_reads(rabbitmq: RabbitServer, group: str) -> None:
    """Through both sources each message is the same delivery, but for its tag and when it was read."""
    other = f"{group}-kombu"
    recorded = [delivery for path in captures.FILES for _, delivery in captures.deliveries(path)]

    def send() -> int:
        with Publisher(rabbitmq.url) as publisher:
            for delivery in recorded:
                publisher.send(
                    delivery.body,
                    routing_key=delivery.routing_key,
                    content_type=delivery.content_type,
                    content_encoding=delivery.content_encoding,
                    headers=dict(delivery.headers),
                )
            for properties in ODD:
                publisher.send(b"odd", routing_key="task.odd", **properties)
            for body in (b"", b"x" * 131_064, LARGE):
                publisher.send(body, routing_key="")
        return len(recorded) + len(ODD) + 3

    def same(items: list[Any]) -> list[Delivery]:
        return [replace(item, tag=None, received_at=None) for item in items]

    async def check() -> None:
        sources: tuple[Any, Any] = (
            AmqpSource(rabbitmq.url, group=group),
            KombuSource(rabbitmq.url, group=other),
        )
        async with sources[0] as ours, sources[1] as theirs:
            count = await asyncio.to_thread(send)
            read = []
            for source in (ours, theirs):
                await source.start(None)
                read.append(await read_until(source, lambda items: len(items) >= count))
            assert len(read[0]) == count
            for our, their in zip(same(read[0]), same(read[1]), strict=True):
                assert our == their

    try:
        run(check(), seconds=60)
    finally:
        rabbitmq.delete(f"celeryev.bridge.{other}")


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder of certificates that the node may read; it runs as another user."""
    made = folder("tls")
    made.chmod(0o755)
    certificates(made)
    (made / "node.key").chmod(0o644)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def secured(rabbitmq_servers: Callable[..., RabbitServer], place: Path) -> tuple[RabbitServer, int]:
    """A node with frames of 1 MiB and a TLS port that takes certificates for logins; and that port."""
    (port,) = free_ports(1)
    files = (("cacertfile", "ca.pem"), ("certfile", "node.crt"), ("keyfile", "node.key"))
    conf = f"listeners.ssl.default = {port}\nframe_max = 1048576\n"
    conf += "".join(f"ssl_options.{option} = {place / name}\n" for option, name in files)
    conf += "ssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = false\n"
    conf += "auth_mechanisms.1 = PLAIN\nauth_mechanisms.2 = EXTERNAL\nssl_cert_login_from = common_name\n"
    return rabbitmq_servers(conf=conf, plugins=["rabbitmq_auth_mechanism_ssl"]), port


def test_a_certificate_is_a_login_and_frames_may_be_large(secured: tuple[RabbitServer, int], place: Path) -> None:
    """EXTERNAL needs no password; who has no certificate, or whose name no user has, is refused by it."""
    server, port = secured
    external = f"amqps://127.0.0.1:{port}//?ssl_ca_certs={place / 'ca.pem'}&auth_mechanism=EXTERNAL"
    certificate = f"&ssl_certfile={place / 'node.crt'}&ssl_keyfile={place / 'node.key'}"

    async def check(url: str) -> None:
        async with AmqpSource(url, fail_fast=True, queue_type="transient") as source:
            await source.start(None)
            await asyncio.to_thread(publish, server.url, [LARGE, b"small"])
            assert await read_bodies(source, 2) == [LARGE, b"small"]

    for url in (external, external + certificate):
        with pytest.raises((CredentialsError, ConnectError)):
            run(check(url), seconds=20)
    server.ctl("add_user", "node", "never used")
    server.ctl("set_permissions", "node", ".*", ".*", ".*")
    run(check(external + certificate + "&frame_max=1000000"), seconds=20)
    run(check(f"{server.url}?frame_max=1000000"), seconds=20)


def test_two_channels_and_either_password_are_enough(rabbitmq: RabbitServer, group: str) -> None:
    """What a broker with strict limits leaves us; its depth is looked at all the same."""
    clock, counters = FakeClock(), Counters()
    url = f"{rabbitmq.url}?channel_max=2&auth_mechanism=AMQPLAIN"

    async def check() -> None:
        async with AmqpSource(url, group=group, fail_fast=True, counters=counters, clock=clock) as source:
            await asyncio.to_thread(publish, rabbitmq.url, [b"{}"])
            await clock.until_sleeping()
            clock.turn(ASK_SECONDS)
            await until(lambda: counters.queue_messages == 1)
            await source.start(None)
            assert await read_bodies(source, 1) == [b"{}"]

    run(check(), seconds=30)


@pytest.mark.parametrize("frame_max", [4096, 131_072])
def test_a_large_body_comes_in_many_frames(rabbitmq: RabbitServer, group: str, frame_max: int) -> None:
    """However small they are agreed to be; small ones before and behind it keep their places."""

    async def check() -> None:
        async with AmqpSource(f"{rabbitmq.url}?frame_max={frame_max}", group=group) as source:
            await source.start(None)
            sent = [b"before", LARGE, b"", b"after", LARGE[: frame_max - 8], LARGE[: frame_max - 7]]
            await asyncio.to_thread(publish, rabbitmq.url, sent)
            assert await read_bodies(source, len(sent)) == sent

    run(check(), seconds=20)


def test_an_alarm_of_the_broker_stops_no_reading(rabbitmq: RabbitServer, group: str) -> None:
    """It blocks who publishes; the backlog is read and acknowledged, which is what helps the broker."""

    async def check() -> None:
        async with AmqpSource(rabbitmq.url, group=group) as source:
            await asyncio.to_thread(publish, rabbitmq.url, [b"%d" % n for n in range(100)])
            await asyncio.to_thread(rabbitmq.ctl, "set_vm_memory_high_watermark", "absolute", "1")
            await source.start(None)
            assert len(await read_bodies(source, 100)) == 100

    try:
        run(check(), seconds=30)
        assert rabbitmq.depth(f"celeryev.bridge.{group}") == 0
    finally:
        rabbitmq.ctl("set_vm_memory_high_watermark", "absolute", "1GB")


def test_very_many_acks_of_the_last_moment_are_counted(rabbitmq: RabbitServer, group: str) -> None:
    """RabbitMQ holds acks back behind 32 that the queue has not confirmed, and would forget those at the close."""

    async def check() -> None:
        async with AmqpSource(rabbitmq.url, group=group) as source:
            await source.start(None)
            await asyncio.to_thread(publish, rabbitmq.url, [b"%d" % n for n in range(300)])
            held = await read_until_held(source, 300)
            source.stop()
            for delivery in held:
                source.settle([delivery])
                await asyncio.sleep(0)  # an ack of its own for each

    async def next_one() -> bytes:
        async with AmqpSource(rabbitmq.url, group=group) as source:
            await source.start(None)
            await asyncio.to_thread(publish, rabbitmq.url, [b"new"])
            (first,) = await read_until_held(source, 1)
            return first.body

    run(check(), seconds=30)
    assert run(next_one(), seconds=20) == b"new"


def test_what_a_stop_leaves_comes_again_in_its_order(rabbitmq: RabbitServer, group: str) -> None:
    """Stopped while it is sent more and more, nothing of it settled: the next one gets all of it as it was sent."""

    async def check() -> list[bytes]:
        async with AmqpSource(rabbitmq.url, group=group) as source:
            await source.start(None)
            sending = asyncio.create_task(asyncio.to_thread(publish, rabbitmq.url, BODIES))
            await read_until_held(source, 1)
        async with AmqpSource(rabbitmq.url, group=group) as source:  # a third one would take them one by one
            await source.start(None)
            await read_until_held(source, 1)
        await sending
        async with AmqpSource(rabbitmq.url, group=group) as source:
            await source.start(None)
            return await read_bodies(source, len(BODIES))

    for _ in range(2):
        assert run(check(), seconds=60) == BODIES


async def read_until_held(source: AmqpSource, count: int) -> list[Delivery]:
    """Read so many, and settle none."""
    held: list[Delivery] = []
    while len(held) < count:
        held += [item for item in await source.read() if isinstance(item, Delivery)]
    return held


def test_the_connection_can_be_found(rabbitmq: RabbitServer, group: str) -> None:
    """By the name of its queue, in RabbitMQ's list."""

    async def check() -> str:
        async with AmqpSource(rabbitmq.url, group=group):
            return await asyncio.to_thread(rabbitmq.ctl, "list_connections", "client_properties")

    assert f"celery-event-bridge celeryev.bridge.{group}" in run(check(), seconds=20)


def test_a_connection_that_is_closed_by_an_operator_is_made_again(rabbitmq: RabbitServer, group: str) -> None:
    """With a word of the broker's; what was not settled comes again."""

    async def check() -> None:
        async with AmqpSource(rabbitmq.url, group=group) as source:
            await source.start(None)
            await asyncio.to_thread(publish, rabbitmq.url, [b"1"])
            await source.read()
            await asyncio.to_thread(rabbitmq.ctl, "close_all_connections", "maintenance")
            (again,) = await source.read()
            assert bodies([again]) == [b"1"]
            assert isinstance(again, Delivery)
            assert again.redelivered

    run(check(), seconds=40)


def test_headers_of_a_hostile_sender_cost_nobody_else(rabbitmq: RabbitServer, group: str) -> None:
    """Nested without end, they are left away; the body comes, and the next message."""
    nested: dict[str, Any] = {}
    for _ in range(300):
        nested = {"x": nested}

    async def check() -> None:
        async with AmqpSource(rabbitmq.url, group=group) as source:
            await source.start(None)
            with rabbitmq.connect(confirm_publish=True) as connection:
                channel = connection.channel()
                channel.basic_publish(Message(b"deep", application_headers=nested), "celeryev", "task.multi")
                channel.basic_publish(Message(b"next", application_headers={"a": 1}), "celeryev", "task.multi")
            deep, following = await read_until(source, lambda items: len(items) == 2)
            assert isinstance(deep, Delivery)
            assert isinstance(following, Delivery)
            assert (deep.body, deep.headers) == (b"deep", {})
            assert (following.body, following.headers) == (b"next", {"a": 1})

    run(check(), seconds=20)


def reads(source: AmqpSource) -> bool:
    """Whether it listens to its broker."""
    consumer = source._reader._serving
    return consumer is not None and consumer._connection is not None and consumer._connection.reading


def test_a_queue_that_fills_up_is_told_in_time(
    rabbitmq: RabbitServer, group: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once when it passes 80 % of its cap and once when it is over; also while our own memory is full and the socket
    is not read."""
    clock, counters = FakeClock(), Counters()

    async def looked(messages: int) -> None:
        await clock.until_sleeping()
        clock.turn(ASK_SECONDS)
        await until(lambda: counters.queue_messages == messages)

    async def check() -> None:
        async with AmqpSource(
            rabbitmq.url,
            group=group,
            queue_args={"x-max-length": "20"},
            prefetch=1,
            max_unsettled_bytes=1,
            counters=counters,
            clock=clock,
        ) as source:
            await asyncio.to_thread(publish, rabbitmq.url, [b"{}"] * 15)
            await looked(15)
            await asyncio.to_thread(publish, rabbitmq.url, [b"{}"] * 4)
            await looked(19)
            await source.start(None)
            (held,) = await read_until_held(source, 1)
            await until(lambda: not reads(source))  # a question asked before that would get no answer
            await looked(18)
            source.settle([held])
            await read_until(source, lambda items: len(items) == 18)
            await looked(0)

    run(check(), seconds=60)
    told = re.findall(r"event='(queue [^:']+).*queue_messages=(\d+)", capsys.readouterr().err)
    assert told == [("queue nearly full", "19"), ("queue no longer nearly full", "0")]
