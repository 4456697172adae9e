"""bridge.sources.amqp.connection"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from pamqp import commands
from pamqp import exceptions as refusals
from structlog.testing import capture_logs

from bridge.model import Delivery
from bridge.sources.amqp.channel import Channel
from bridge.sources.amqp.connection import Connection
from bridge.sources.amqp.handshake import connect
from bridge.testing import FakeClock
from tests.running import run, until
from tests.unit.sources.amqp.broker import ScriptedBroker, delivery


class Opened:
    """A connection, its channel, and what came."""

    def __init__(self, connection: Connection, channel: Channel, got: list[Delivery], clock: FakeClock) -> None:
        self.connection, self.channel, self.got, self.clock = connection, channel, got, clock
        self.ends: list[Exception] = []
        channel.on_end = self.ends.append


@contextlib.asynccontextmanager
async def opened(broker: ScriptedBroker, query: str = "") -> AsyncIterator[Opened]:
    got: list[Delivery] = []
    clock = FakeClock()
    async with broker:
        connection = await connect(broker.address(query), "me", receive=got.extend, tag_base=100, clock=clock)
        try:
            yield Opened(connection, await connection.open_channel(), got, clock)
        finally:
            connection.abort()
            await connection.close()


def test_deliveries_are_handed_over_with_their_time() -> None:
    """The clock is asked once per read of the socket."""

    async def check() -> None:
        broker = ScriptedBroker()
        async with opened(broker) as it:
            broker.write(delivery(1, b"a") + delivery(2, b"b"))
            await until(lambda: len(it.got) == 2)
            assert [(one.body, one.tag, one.received_at) for one in it.got] == [
                (b"a", 101, it.clock.now()),
                (b"b", 102, it.clock.now()),
            ]

    run(check())


def test_paused_it_reads_nothing_and_goes_on_where_it_was() -> None:
    """What the broker sent meanwhile waits."""

    async def check() -> None:
        broker = ScriptedBroker()
        async with opened(broker) as it:
            it.connection.pause()
            it.connection.pause()
            broker.write(delivery(1, b"a"))
            await asyncio.wait({still := asyncio.create_task(until(lambda: bool(it.got)))}, timeout=0.2)
            assert not still.done()
            it.connection.resume()
            it.connection.resume()
            await still

    run(check())


def test_a_close_by_the_broker_is_answered_and_ends_it() -> None:
    """With the broker's reason; the channels learn of it."""

    async def check() -> None:
        broker = ScriptedBroker()
        async with opened(broker) as it:
            broker.send(commands.Connection.Close(320, "CONNECTION_FORCED - shutdown", 0, 0), 0)
            await until(lambda: bool(it.ends))
            assert isinstance(it.connection.error, refusals.AMQPConnectionForced)
            assert it.ends == [it.connection.error]
            await until(lambda: "Connection.CloseOk" in broker.names)

    run(check())


def test_a_cut_connection_ends_it() -> None:
    """A call that waits gets the reason, too."""

    async def check() -> None:
        broker = ScriptedBroker({"Basic.Qos": []})
        async with opened(broker) as it:
            calling = asyncio.create_task(it.channel.call(commands.Basic.Qos(), commands.Basic.QosOk))
            await until(lambda: "Basic.Qos" in broker.names)
            broker.cut()
            with pytest.raises(OSError):  # noqa: PT011 - whichever the system says
                await calling
            assert len(it.ends) == 1
            with pytest.raises(OSError):  # noqa: PT011
                await it.connection.open_channel()

    run(check())


def test_what_is_no_amqp_ends_it() -> None:
    """The connection is of no use after that."""

    async def check() -> None:
        broker = ScriptedBroker()
        async with opened(broker) as it:
            broker.write(b"HTTP/1.1 200 OK\r\n")
            await until(lambda: bool(it.ends))
            assert isinstance(it.ends[0], refusals.AMQPFrameError)

    run(check())


def test_a_refused_channel_leaves_the_others() -> None:
    """Only that one is closed."""

    async def check() -> None:
        broker = ScriptedBroker({"Exchange.Declare": [commands.Channel.Close(404, "NOT_FOUND", 0, 0)]})
        async with opened(broker) as it:
            other = await it.connection.open_channel()
            passive = commands.Exchange.Declare(exchange="x", passive=True)
            with pytest.raises(refusals.AMQPNotFound):
                await other.call(passive, commands.Exchange.DeclareOk)
            await it.channel.call(commands.Basic.Qos(), commands.Basic.QosOk)
            assert it.ends == []

    run(check())


def test_the_number_of_a_closed_channel_is_free_again() -> None:
    """Whoever closed it; so a few channels are enough for ever."""

    async def check() -> None:
        broker = ScriptedBroker({"Exchange.Declare": [commands.Channel.Close(404, "NOT_FOUND", 0, 0)]})
        async with opened(broker) as it:
            for _ in range(3):
                closed = await it.connection.open_channel()
                assert closed.number == it.channel.number + 1
                await closed.close()
                with pytest.raises(ConnectionAbortedError):
                    await closed.call(commands.Basic.Qos(), commands.Basic.QosOk)
                refused = await it.connection.open_channel()
                assert refused.number == closed.number
                with pytest.raises(refusals.AMQPNotFound):
                    await refused.call(commands.Exchange.Declare(exchange="x"), commands.Exchange.DeclareOk)
            assert it.ends == []

    run(check())


def test_closing_says_goodbye_and_drops_what_still_comes() -> None:
    """Also when nothing was read for lack of room."""

    async def check() -> None:
        broker = ScriptedBroker()
        async with opened(broker) as it:
            it.connection.pause()
            broker.write(delivery(1, b"unwanted"))
            await it.connection.close()
            await it.connection.close()
            assert broker.names[-1] == "Connection.Close"
            assert it.got == []
            assert it.connection.error is not None

    run(check())


def test_closing_a_broker_that_hangs_ends() -> None:
    """Without its answer, after 2 s."""

    async def check() -> None:
        broker = ScriptedBroker({"Connection.Close": []})
        async with opened(broker) as it:
            await it.connection.close()
            assert it.connection.error is not None

    run(check())


def test_a_lost_connection_is_told_nothing() -> None:
    """A goodbye to who is gone would only wait."""

    async def check() -> None:
        broker = ScriptedBroker()
        async with opened(broker) as it:
            it.connection.abort()
            await it.connection.close()
            it.connection.write(b"nothing")
            assert "Connection.Close" not in broker.names

    run(check())


def test_silence_of_two_heartbeats_ends_it() -> None:
    """By the clock; the broker is not waited for."""

    async def check() -> None:
        broker = ScriptedBroker()
        async with opened(broker, "?heartbeat=1") as it:
            it.clock.turn(3.0)
            await until(lambda: bool(it.ends))
            assert "silent for 3.0 s" in str(it.ends[0])

    run(check())


def test_blocked_publishers_are_said() -> None:
    """We publish nothing, but the cluster's workers do."""

    async def check() -> list[str]:
        broker = ScriptedBroker()
        async with opened(broker):
            with capture_logs() as logs:
                broker.send(commands.Connection.Blocked("low on memory"), 0)
                broker.send(commands.Connection.Unblocked(), 0)
                await until(lambda: len(logs) == 2)
        assert logs[0]["reason"] == "low on memory"
        return [log["event"] for log in logs]

    assert run(check()) == ["broker blocks publishers", "broker no longer blocks publishers"]
