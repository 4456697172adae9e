"""Unit tests of bridge.clients.kafka.connection (against real brokers: tests/integration/test_kafka_security.py)."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiokafka.client import AIOKafkaClient

from bridge.clients.kafka import close_client, connection, parse_properties, true_connect_error
from bridge.errors import ConnectError
from tests.running import run
from tests.servers.ports import free_port

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def server(serve: Serve) -> AsyncIterator[str]:
    """A TCP server that does so with every connection; its address."""
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(asyncio.CancelledError):
            await serve(reader, writer)
        writer.transport.abort()

    listening = await asyncio.start_server(accept, "127.0.0.1", 0)
    host, port = listening.sockets[0].getsockname()
    try:
        yield f"{host}:{port}"
    finally:
        listening.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Ends a connection without a word, as Kafka does when the protocol is another."""


async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reads, and never answers."""
    while await reader.read(1000):
        pass


def test_closed_port_refuses_connections() -> None:
    """Every server is told of, with its reason."""
    servers = [f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"]
    error = run(true_connect_error(servers, parse_properties({})))
    assert isinstance(error, ConnectError)
    assert str(error) == f"{servers[0]} refuses connections; {servers[1]} refuses connections"


def test_server_that_hangs_up_gets_a_hint() -> None:
    """The usual cause is another security protocol."""

    async def check() -> None:
        async with server(hang_up) as address:
            error = await true_connect_error([address], parse_properties({}))
        assert f"{address} closes the connection; does it want TLS or credentials?" in str(error)

    run(check())


def test_server_that_never_answers_is_asked_for_a_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frozen broker accepts connections."""
    monkeypatch.setattr(connection, "PROBE_SECONDS", 0.1)

    async def check() -> None:
        async with server(say_nothing) as address:
            error = await true_connect_error([address], parse_properties({}))
        assert str(error) == f"{address} does not answer"

    run(check())


def test_client_of_a_server_that_never_answers_is_closed_in_time() -> None:
    """Whatever it was waiting for."""

    async def check() -> None:
        async with server(say_nothing) as address:
            client = AIOKafkaClient(bootstrap_servers=address)
            starting = asyncio.create_task(client.bootstrap())
            await asyncio.wait({starting}, timeout=0.1)
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            began = time.monotonic()
            await close_client(client)
            assert time.monotonic() - began < 2 * connection.CLOSE_SECONDS

    run(check())


def test_client_that_never_connected_can_be_closed() -> None:
    """Closing is what every failed attempt ends with."""

    async def check() -> None:
        client = AIOKafkaClient(bootstrap_servers="127.0.0.1:1")
        await close_client(client)
        await close_client(client)
        assert client._sync_task is None

    run(check())
