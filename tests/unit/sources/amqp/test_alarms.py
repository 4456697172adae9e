"""bridge.sources.amqp.alarms"""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Iterator

import pytest
from pamqp import commands
from structlog.testing import capture_logs

from bridge.errors import ConfigError
from bridge.sources.amqp.alarms import ASK_SECONDS, Alarms
from bridge.testing import FakeClock
from tests.running import run, until
from tests.unit.sources.amqp.broker import ScriptedBroker

HEADER, BODY = 2, 3
"""Kinds of frames."""


class Published(ScriptedBroker):
    """One that takes content too. What is sent to it is short, so each read of the socket has whole frames."""

    def __init__(self) -> None:
        super().__init__()
        self.content: list[bytes] = []
        """Frames of it."""
        self.lost = False
        """Whether a connection ended."""

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True

    def data_received(self, data: bytes) -> None:
        super().data_received(data if data.startswith(b"AMQP") else b"".join(self._others(data)))

    def _others(self, data: bytes) -> Iterator[bytes]:
        while data:
            end = struct.unpack_from(">BHI", data)[2] + 8
            if data[0] in (HEADER, BODY):
                self.content.append(data[:end])
            else:
                yield data[:end]
            data = data[end:]


async def begun(url: str, clock: FakeClock) -> asyncio.Task[None]:
    """One that has waited until the reader is there."""
    watching = asyncio.create_task(Alarms(url, clock).watch())
    await clock.until_sleeping()
    clock.turn(ASK_SECONDS)
    return watching


@contextlib.asynccontextmanager
async def listening(broker: ScriptedBroker, clock: FakeClock) -> AsyncIterator[None]:
    """Until the block ends."""
    watching = await begun(broker.url, clock)
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


def test_it_begins_a_message_and_never_ends_it() -> None:
    """What makes it a publisher is sent again and again; nothing of it is a message."""

    async def check() -> None:
        clock = FakeClock()
        async with Published() as broker, listening(broker, clock):
            for signs in range(4):
                await until(lambda signs=signs: len(broker.content) == 1 + signs)  # type: ignore[misc]
                await clock.until_sleeping()
                clock.turn(ASK_SECONDS)
        assert broker.names.count("Basic.Publish") == broker.connections == 1
        assert broker.names[-1] == "Connection.Close"
        begun, *rest = broker.content
        assert struct.unpack_from(">Q", begun, 11) == (1,)  # bytes that are announced
        assert all(len(frame) == 8 for frame in rest)  # and never sent

    run(check())


def test_who_reads_the_broker_connects_first() -> None:
    """Where a user may have only one connection it is not this one."""

    async def check() -> None:
        clock = FakeClock()
        async with Published() as broker:
            watching = asyncio.create_task(Alarms(broker.url, clock).watch())
            await clock.until_sleeping()
            assert broker.connections == 0
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    run(check())


def test_a_broker_that_blocks_is_not_waited_for_at_the_end() -> None:
    """It would not read a farewell."""

    async def check() -> None:
        with capture_logs() as logs:
            async with Published() as broker, listening(broker, FakeClock()):
                await until(lambda: bool(broker.content))
                broker.send(commands.Connection.Blocked("low on disk"), 0)
                await until(lambda: any(line["event"] == "broker blocks publishers" for line in logs))
            assert "Connection.Close" not in broker.names

    run(check())


def test_a_broker_that_goes_away_is_asked_again() -> None:
    """And nothing is said: who reads it says enough."""

    async def check() -> None:
        clock = FakeClock()
        with capture_logs() as logs:
            async with Published() as broker, listening(broker, clock):
                await until(lambda: bool(broker.content))
                await clock.until_sleeping()
                broker.cut()
                while broker.connections < 2:
                    await clock.until_sleeping()
                    clock.turn(ASK_SECONDS)
                    await asyncio.sleep(0)
        assert logs == []

    run(check())


def test_a_host_that_is_no_name_ends_nobody() -> None:
    """Python finds no words for it in the network's errors; who reads the broker says so, and tries again."""

    async def check() -> None:
        clock = FakeClock()
        watching = await begun("amqp://a..b", clock)
        await clock.until_sleeping()
        assert not watching.done()
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    run(check())


def test_a_frozen_broker_that_is_given_up_while_it_is_told_goodbye_leaves_no_socket() -> None:
    """A stop that is forced waits for no farewell."""

    async def check() -> None:
        async with Published() as broker:
            broker.answer("Connection.Close")
            watching = await begun(broker.url, FakeClock())
            await until(lambda: bool(broker.content))
            watching.cancel()
            await until(lambda: "Connection.Close" in broker.names)
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await until(lambda: broker.lost)

    run(check())


def test_a_url_that_can_never_work_is_refused() -> None:
    """As by the source."""
    with pytest.raises(ConfigError):
        Alarms("amqp://h:port", FakeClock())
