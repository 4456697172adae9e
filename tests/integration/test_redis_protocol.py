"""The Redis source and what servers differ in: protocol, rights, sockets, names; and that it reads what kombu reads."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.errors import ConnectError, CredentialsError
from bridge.model import Delivery
from bridge.sources import Source
from bridge.sources.kombu import KombuSource
from bridge.sources.redis import RedisSource
from tests.celeryapp import Worker, add, fail, pay, send
from tests.ledger import publish
from tests.reading import Items, bodies, gaps, read_bodies, read_until, types
from tests.running import run
from tests.servers.ports import free_port
from tests.servers.redis import RedisServer, Sentinel
from tests.servers.tls import certificates

pytestmark = pytest.mark.servers("redis")

Servers = Callable[..., RedisServer]


@pytest.mark.parametrize(("query", "options", "spoken"), [("", (), "3"), ("?protocol=2", (), "2"), ("", ("old",), "2")])
def test_both_versions_of_the_protocol_are_spoken(
    redis_servers: Servers, query: str, options: tuple[str, ...], spoken: str
) -> None:
    """RESP3 where the server knows it, RESP2 where it does not or is asked to; the connection has a name."""
    server = redis_servers(*(("--rename-command", "HELLO", "") if options else ()))

    async def check() -> None:
        async with RedisSource(server.url + (query or "?health_check_interval=0.05")) as source:
            await source.start(None)
            with server.client(protocol=2) as client:
                (ours,) = [one for one in client.client_list() if one["name"] == "celery-bridge"]
                for message in (b"1", b"2"):
                    client.publish("/0.celeryev/task.multi", message)

            assert ours["resp"] == spoken
            assert await read_bodies(source, 2) == [b"1", b"2"]

    run(check())


def test_a_user_needs_the_right_to_subscribe_and_no_other(redis_servers: Servers) -> None:
    """HELLO, PSUBSCRIBE and PING on one pattern, in any database, are enough; fewer is a CredentialsError."""
    server = redis_servers("--requirepass", "right")
    with server.client(password="right") as client:
        rights = ("+psubscribe", "+ping", "resetchannels", "&/3.celeryev/*")
        client.execute_command("ACL", "SETUSER", "bridge", "on", ">secret", "-@all", "+hello", *rights)
        client.execute_command("ACL", "SETUSER", "old", "on", ">secret", "-@all", *rights)
        client.execute_command("ACL", "SETUSER", "deaf", "on", ">secret", "-@all", "+hello", "+psubscribe")

    async def check(user: str) -> None:
        url = f"redis://{user}:secret@127.0.0.1:{server.port}/3?health_check_interval=0.1"
        async with RedisSource(url, fail_fast=True) as source:
            await source.start(None)
            await asyncio.to_thread(publish, f"redis://:right@127.0.0.1:{server.port}/3", [b"1"])
            assert await read_bodies(source, 1) == [b"1"]

    run(check("bridge"))
    run(check("old"))
    with pytest.raises(CredentialsError, match=r"right to PSUBSCRIBE /3\.celeryev/\*"):
        run(check("deaf"))


def test_a_password_alone_is_the_default_users(redis_servers: Servers) -> None:
    """requirepass, with RESP3 and RESP2."""
    server = redis_servers("--requirepass", "p@ss/word:")

    async def check(query: str) -> None:
        url = f"redis://:p%40ss%2Fword%3A@127.0.0.1:{server.port}/0{query}"
        async with RedisSource(url, fail_fast=True) as source:
            await source.start(None)

    run(check(""))
    run(check("?protocol=2"))


def test_a_database_that_is_not_there_is_refused(redis_servers: Servers) -> None:
    """The server has 16; nothing is ever published for the 17th."""
    server = redis_servers()

    async def check() -> None:
        async with RedisSource(f"redis://127.0.0.1:{server.port}/16", fail_fast=True):
            pytest.fail("connected")

    with pytest.raises(CredentialsError, match="DB index is out of range"):
        run(check())


def test_a_socket_of_the_machine_is_connected_to(redis_servers: Servers, tmp_path: Path) -> None:
    """redis+socket, as kombu writes it: the path in the URL, the database in `virtual_host`."""
    server = redis_servers("--unixsocket", str(tmp_path / "redis.sock"))

    async def check() -> None:
        async with RedisSource(f"redis+socket://{tmp_path}/redis.sock?virtual_host=3", fail_fast=True) as source:
            await source.start(None)
            await asyncio.to_thread(publish, f"redis://127.0.0.1:{server.port}/3", [b"1"])
            assert await read_bodies(source, 1) == [b"1"]

    run(check())


def test_alternatives_are_tried_in_turn(redis: RedisServer) -> None:
    """The second server is used when the first is not there, with fail-fast too."""

    async def check() -> None:
        async with RedisSource(f"redis://127.0.0.1:{free_port()};{redis.url}", fail_fast=True) as source:
            await source.start(None)
            await asyncio.to_thread(publish, redis.url, [b"1"])
            assert await read_bodies(source, 1) == [b"1"]

    run(check())


def test_sentinels_and_servers_have_passwords_of_their_own(
    redis_servers: Servers, sentinels: Callable[..., Sentinel]
) -> None:
    """The user of the URL is the master's; `sentinel_password` is the sentinels'."""
    master = redis_servers("--requirepass", "master")
    sentinel = sentinels(master, "requirepass watch", "sentinel auth-pass mymaster master")

    async def check(query: str) -> None:
        url = f"sentinel://:master@127.0.0.1:{sentinel.port}/2?master_name=mymaster{query}"
        async with RedisSource(url, fail_fast=True) as source:
            await source.start(None)
            await asyncio.to_thread(publish, f"redis://:master@127.0.0.1:{master.port}/2", [b"1"])
            assert await read_bodies(source, 1) == [b"1"]

    run(check("&sentinel_password=watch"), seconds=30)
    with pytest.raises(CredentialsError, match="sentinel"):
        run(check(""), seconds=30)


def test_sentinels_that_know_no_such_master_are_said(
    redis_servers: Servers, sentinels: Callable[..., Sentinel]
) -> None:
    """A wrong name is a ConnectError that holds it: it may be there later."""
    sentinel = sentinels(redis_servers())

    async def check() -> None:
        async with RedisSource(f"sentinel://127.0.0.1:{sentinel.port}?master_name=other", fail_fast=True):
            pytest.fail("connected")

    with pytest.raises(ConnectError, match="knows no master other"):
        run(check())


def test_tls_reads_large_and_small_messages(redis_servers: Servers, tmp_path: Path) -> None:
    """Over TLS with a client's certificate, what is published arrives whole and in order."""
    folder = certificates(tmp_path)
    files = (("--tls-ca-cert-file", "ca.pem"), ("--tls-cert-file", "node.crt"), ("--tls-key-file", "node.key"))
    options = [text for option, file in files for text in (option, str(folder / file))]
    server = redis_servers(*options, tls=True)
    names = (("ssl_ca_certs", "ca.pem"), ("ssl_certfile", "node.crt"), ("ssl_keyfile", "node.key"))
    query = "&".join(f"{name}={folder / file}" for name, file in names)
    sent = [b'{"n":%d,"padding":"%s"}' % (n, b"x" * (n * 3000)) for n in range(100)]

    async def check() -> None:
        async with RedisSource(f"rediss://127.0.0.1:{server.port}/0?{query}", fail_fast=True) as source:
            await source.start(None)
            with server.client(
                host="127.0.0.1", ssl=True, **{name: str(folder / file) for name, file in names}
            ) as client:
                for body in sent:
                    client.publish("/0.celeryev/x", body)
            assert await read_bodies(source, len(sent)) == sent

    run(check(), seconds=30)


def test_kombu_reads_the_same(redis: RedisServer) -> None:
    """One broker, a real worker, both readers: the same deliveries, field for field, in the same order."""
    wanted = {"task-sent", "task-received", "task-started", "task-succeeded", "task-failed", "order-paid"}

    async def check() -> None:
        url = f"redis://127.0.0.1:{redis.port}/7"
        ours: Source = RedisSource(url)
        theirs: Source = KombuSource(f"kombu+{url}")
        async with ours, theirs:
            await ours.start(None)
            await theirs.start(None)
            with Worker(url):
                sent = [send(add, 1, 2), send(fail, "no money"), send(pay, 7)]
                seen = [await read_until(source, lambda items: wanted <= types(items)) for source in (ours, theirs)]
            await asyncio.to_thread(publish, url, [b"end"])
            for items, source in zip(seen, (ours, theirs), strict=True):
                items += await read_until(source, lambda items: b"end" in bodies(items))
            assert all(uuid in b"".join(bodies(seen[0])).decode() for uuid in sent)
            assert told(seen[0]) == told(seen[1])
            assert not gaps(seen[0])

    run(check(), seconds=90)


def told(items: Items) -> list[Delivery]:
    """Deliveries without what is the reader's own: when it read them, and how it settles them."""
    return [replace(item, received_at=None, tag=None) for item in items if isinstance(item, Delivery)]
