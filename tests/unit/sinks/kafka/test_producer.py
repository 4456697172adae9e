"""Unit tests of bridge.sinks.kafka.producer (against real brokers: tests/integration/test_kafka*.py)."""

import asyncio
import time

import pytest

from bridge.clients.kafka import connection, parse_properties
from bridge.errors import ConnectError
from bridge.model import Record
from bridge.sinks.kafka import look
from bridge.sinks.kafka import producer as module
from bridge.sinks.kafka.producer import Producer, connect
from tests.running import run
from tests.servers.ports import free_port
from tests.unit.clients.kafka.test_connection import say_nothing, server

PROPERTIES = parse_properties({})


def test_closed_port_is_a_connect_error_that_says_so() -> None:
    """Not aiokafka's `Unable to bootstrap`."""

    async def check() -> None:
        address = f"127.0.0.1:{free_port()}"
        with pytest.raises(ConnectError, match=f"^{address} refuses connections$"):
            await connect([address], PROPERTIES, {"t": 1}, create=False, batch_bytes=1000)

    run(check())


def test_server_that_never_answers_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """An attempt ends by its own deadline; the next one comes after the backoff."""
    monkeypatch.setattr(look, "CONNECT_SECONDS", 0.2)
    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.2)
    monkeypatch.setattr(connection, "PROBE_SECONDS", 0.2)

    async def check() -> None:
        async with server(say_nothing) as address:
            with pytest.raises(ConnectError, match="does not answer"):
                await connect([address], PROPERTIES, {"t": 1}, create=False, batch_bytes=1000)

    run(check())


def test_producer_that_was_never_started_can_be_given_up() -> None:
    """Nothing is left, and nothing warns when it is collected."""

    async def check() -> None:
        one = Producer(["127.0.0.1:1"], PROPERTIES, 1000)
        assert one.tasks() == set()
        assert one.partitions("t") is None
        await one.give_up()

    run(check())


def test_producer_that_is_starting_can_be_given_up_in_time() -> None:
    """Also while a server holds its first request."""

    async def check() -> None:
        async with server(say_nothing) as address:
            one = Producer([address], PROPERTIES, 1000)
            starting = asyncio.create_task(one.start(["t"]))
            await asyncio.wait({starting}, timeout=0.1)
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            began = time.monotonic()
            await one.give_up()
            assert time.monotonic() - began < 4

    run(check())


def test_batches_are_as_large_as_we_say() -> None:
    """After its first record."""

    async def check() -> None:
        one = Producer(["127.0.0.1:1"], PROPERTIES, 1000)
        batch = one.batch()
        all_of_them = batch.extend([Record(b"x" * 400)] * 4, 0, 4, 10**13)
        await one.give_up()
        assert (all_of_them, batch.record_count()) == (False, 2)

    run(check())


def test_brokers_of_which_nothing_is_known_have_not_moved() -> None:
    """Neither when nobody answers: a new producer would find nobody."""

    async def check() -> None:
        one = Producer([f"127.0.0.1:{free_port()}"], PROPERTIES, 1000)
        assert not await one.moved()
        await one.give_up()

    run(check())
