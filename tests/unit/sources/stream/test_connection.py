"""bridge/sources/stream/connection.py."""

import asyncio
import socket
from collections.abc import Callable

import pytest

from bridge.errors import ConnectError
from bridge.sources.stream import commands
from bridge.sources.stream.commands import ANSWER, Key
from bridge.sources.stream.connection import ANSWER_SECONDS, Connection, reason_of
from bridge.testing import FakeClock
from tests.running import run, until
from tests.unit.sources.stream.streaming import Peer


async def until_turned() -> None:
    """What the event loop was told to do, it has done."""
    for _ in range(10):
        await asyncio.sleep(0)


async def connected(peer: Peer, clock: FakeClock | None = None) -> Connection:
    connection = Connection(clock or FakeClock())
    await asyncio.get_running_loop().create_connection(lambda: connection, "127.0.0.1", peer.port)
    return connection


def noting(calls: list[bytes], *, pausing: bool) -> Callable[[bytes], bool]:
    """Takes what is delivered into a list; whether reading is to pause behind it."""

    def delivered(payload: bytes) -> bool:
        calls.append(payload)
        return pausing

    return delivered


def test_a_request_gets_its_answer() -> None:
    """Also when several are under way; the code comes first."""

    async def check() -> None:
        async with Peer({Key.QUERY_OFFSET: b"\0\x13"}) as peer:
            connection = await connected(peer)
            answers = await asyncio.gather(
                connection.request(Key.SUBSCRIBE, b""), connection.request(Key.QUERY_OFFSET, b"")
            )
            assert [code for code, _ in answers] == [1, commands.NO_OFFSET]
            assert (await connection.metadata("s")).u32() == 1
            await connection.close()
            assert peer.seen()[-1] == Key.CLOSE

    run(check())


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="the system has no such thing")
def test_what_the_server_does_not_acknowledge_ends_the_connection() -> None:
    """As an answer that does not come: a link may carry its messages, and nothing of ours."""

    async def check() -> None:
        async with Peer() as peer:
            connection = await connected(peer)
            assert connection._transport is not None
            sock = connection._transport.get_extra_info("socket")
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == ANSWER_SECONDS * 1000
            await connection.close()

    run(check())


def test_deliveries_are_handed_on_once_per_read() -> None:
    """Each chunk, and then that all of the read was handed on."""

    async def check() -> None:
        calls: list[bytes] = []

        async with Peer() as peer:
            connection = await connected(peer)
            connection.delivered = noting(calls, pausing=False)
            connection.drained = lambda: calls.append(b"drained")
            await connection.request(Key.OPEN, b"")
            peer.push(commands.frame(Key.DELIVER, b"one") + commands.frame(Key.DELIVER, b"two"))
            await until(lambda: calls[-1:] == [b"drained"] and b"two" in calls)
            peer.push(commands.frame(Key.DELIVER, b"three"))  # after a small read the socket rests for a moment
            await until(lambda: b"three" in calls)
            assert [call for call in calls if call != b"drained"] == [b"one", b"two", b"three"]
            await connection.close()

    run(check())


def test_reading_stops_where_it_is_told_to() -> None:
    """In the middle of a read; what is left of it comes when reading goes on, before everything else."""

    async def check() -> None:
        calls: list[bytes] = []

        async with Peer() as peer:
            connection = await connected(peer)
            connection.delivered = noting(calls, pausing=True)
            await connection.request(Key.OPEN, b"")
            peer.push(b"".join(commands.frame(Key.DELIVER, payload) for payload in (b"one", b"two", b"three")))
            for count in (1, 2):
                await until(lambda count=count: len(calls) == count)  # type: ignore[misc]
                await until_turned()
                assert len(calls) == count
                connection.pause(False)
            await until(lambda: len(calls) == 3)
            peer.push(commands.frame(Key.DELIVER, b"four"))
            connection.pause(False)
            await until(lambda: len(calls) == 4)
            assert calls == [b"one", b"two", b"three", b"four"]
            await connection.close()

    run(check())


def test_an_answer_is_not_kept_waiting_by_messages() -> None:
    """While one is waited for, what stands before it is read, wanted or not."""

    async def check() -> None:
        calls: list[bytes] = []

        async with Peer() as peer:
            connection = await connected(peer)
            connection.delivered = noting(calls, pausing=True)
            await connection.request(Key.OPEN, b"")
            peer.push(commands.frame(Key.DELIVER, b"one") + commands.frame(Key.DELIVER, b"two"))
            await until(lambda: calls == [b"one"])
            await connection.request(Key.QUERY_OFFSET, b"")
            assert calls == [b"one", b"two"]
            await connection.close()

    run(check())


@pytest.mark.parametrize(
    ("pushed", "reason"),
    [
        (commands.frame(Key.CLOSE, b"\0\0\0\1" + commands.close(15, "enough")), "enough"),
        (commands.frame(Key.METADATA_UPDATE, b"\0\6" + commands.text("s")), "stream s: the stream is not available"),
        (b"HTTP/1.1 400 Bad Request\r\n", "does not speak the stream protocol"),
        (commands.frame(Key.DELIVER, b""), "refused"),
    ],
)
def test_what_ends_the_connection_is_told(pushed: bytes, reason: str) -> None:
    """To who waits for an answer, and to who looks."""

    async def check() -> None:
        def refuse(payload: bytes) -> bool:
            raise ConnectError("refused")

        async with Peer({Key.QUERY_OFFSET: b""}) as peer:
            connection = await connected(peer)
            connection.delivered = refuse
            asking = asyncio.create_task(connection.request(Key.QUERY_OFFSET, b""))
            await until(lambda: Key.QUERY_OFFSET in peer.seen())
            peer.push(pushed)
            with pytest.raises(ConnectError, match=reason):
                await asking
            with pytest.raises(ConnectError, match=reason):
                await connection.request(Key.OPEN, b"")
            assert reason in str(connection.lost.result())

    run(check())


def test_a_server_that_goes_is_noticed() -> None:
    """Its end of the connection is ours."""

    async def check() -> None:
        async with Peer() as peer:
            connection = await connected(peer)
            await connection.request(Key.OPEN, b"")
        assert isinstance(await connection.lost, ConnectionError)

    run(check())


def test_heartbeats_go_both_ways() -> None:
    """Twice an interval; almost two intervals of silence lose the connection, but not while we do not read."""

    async def check() -> None:
        async with Peer() as peer:
            clock = FakeClock()
            connection = await connected(peer, clock)
            await connection.request(Key.OPEN, b"")
            beating = asyncio.create_task(connection.beat(10))
            connection.pause(True)
            for _ in range(6):
                await clock.until_sleeping()
                clock.turn(5)
            await until(lambda: peer.seen().count(Key.HEARTBEAT) == 6)
            await clock.until_sleeping()
            connection.pause(False)
            for _ in range(4):
                await clock.until_sleeping()
                clock.turn(5)
            await beating
            assert "silent for 20.0 s" in str(connection.lost.result())

    run(check())


def test_a_refused_credit_is_no_answer_to_another_request() -> None:
    """It has no correlation id: its code must not be taken for one."""

    async def check() -> None:
        async with Peer({Key.QUERY_OFFSET: b""}) as peer:
            connection = await connected(peer)
            asking = asyncio.create_task(connection.request(Key.QUERY_OFFSET, b""))
            await until(lambda: Key.QUERY_OFFSET in peer.seen())
            peer.push(commands.frame(Key.CREDIT | ANSWER, b"\0\0\0\1\0"))
            peer.push(commands.frame(Key.QUERY_OFFSET | ANSWER, b"\0\0\0\1\0\1"))
            assert (await asking)[0] == 1
            await connection.close()

    run(check())


def test_closing_a_server_that_hangs_ends_in_time() -> None:
    """The farewell is given up."""

    async def check() -> None:
        async with Peer({Key.CLOSE: b""}) as peer:
            connection = await connected(peer)
            await connection.close()
            await connection.close()
            assert connection.lost.done()

    run(check())


def test_codes_have_words() -> None:
    """Also those that came later."""
    assert reason_of(16) == "access was refused"
    assert reason_of(99) == "code 99"
