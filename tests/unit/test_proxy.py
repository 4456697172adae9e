"""Tests of tests.servers.proxy and its ways: the faults are what they are called."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from tests.running import run, until
from tests.servers.proxy import Proxy

_SOON_SECONDS = 0.2
"""What has not come by then was held back: on loopback it would take a millisecond."""


@dataclass
class Ends:
    """A client and its server, on both sides of a proxy. What a server hears goes to `heard`, piece by piece."""

    proxy: Proxy
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    heard: list[bytes] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    """How the server's connections ended."""
    said: list[asyncio.StreamWriter] = field(default_factory=list)
    """To the clients, in the order of their coming."""

    @property
    def bytes_heard(self) -> bytes:
        return b"".join(self.heard)


@asynccontextmanager
async def ends():
    """Connected, on a healthy network."""
    heard: list[bytes] = []
    ended: list[str] = []
    said: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said.append(writer)
        try:
            while data := await reader.read(65536):
                heard.append(data)
            ended.append("end")
        except ConnectionResetError:
            ended.append("reset")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with Proxy(server.sockets[0].getsockname()[1]) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        await until(lambda: len(said) == 1)
        yield Ends(proxy, reader, writer, heard, ended, said)
        writer.transport.abort()
    await until(lambda: len(ended) == len(said))
    server.close()


def check(body: Callable[[Ends], Awaitable[None]]) -> None:
    """Run it with a client, a proxy and a server."""

    async def main() -> None:
        async with ends() as both:
            await body(both)

    run(main())


async def nothing_comes(reading: Awaitable[bytes]) -> "asyncio.Future[bytes]":
    """Nothing is there soon; what is there later."""
    later = asyncio.ensure_future(reading)
    await asyncio.wait({later}, timeout=_SOON_SECONDS)
    assert not later.done()
    return later


async def told(both: Ends) -> bytes:
    """The server's side of the connection has ended."""
    await until(lambda: bool(both.ended))
    return b""


def test_a_healthy_network_passes_everything_and_the_end() -> None:
    """Bytes go both ways as they are; when the client leaves, the server is told."""

    async def body(both: Ends) -> None:
        both.writer.write(b"question" * 20_000)
        both.said[0].write(b"answer")
        assert await both.reader.readexactly(6) == b"answer"
        await until(lambda: both.bytes_heard == b"question" * 20_000)
        both.writer.close()
        await until(lambda: both.ended == ["end"] and both.proxy.connections == 0)

    check(body)


def test_frozen_passes_nothing_either_way_until_it_thaws() -> None:
    """Both ends are open and hear nothing; then they hear what was said meanwhile, in order."""

    async def body(both: Ends) -> None:
        both.proxy.freeze()
        both.writer.write(b"question")
        both.said[0].write(b"answer")
        later = await nothing_comes(both.reader.read(10))
        assert both.heard == []
        both.writer.write(b" and more")
        both.proxy.thaw()
        assert await later == b"answer"
        await until(lambda: both.bytes_heard == b"question and more")

    check(body)


def test_new_connections_to_a_frozen_network_are_silent_too() -> None:
    """They are accepted, and nothing comes of them."""

    async def body(both: Ends) -> None:
        both.proxy.freeze()
        reader, writer = await asyncio.open_connection("127.0.0.1", both.proxy.port)
        await until(lambda: len(both.said) == 2)
        both.said[1].write(b"welcome")
        later = await nothing_comes(reader.read(10))
        both.proxy.thaw()
        assert await later == b"welcome"
        writer.transport.abort()

    check(body)


@pytest.mark.parametrize("ending", ["close", "abort"])
def test_a_frozen_network_tells_nobody_that_the_other_end_has_left(ending: str) -> None:
    """The server's close or abort reaches the client after the thaw only."""

    async def body(both: Ends) -> None:
        both.proxy.freeze()
        both.said[0].close() if ending == "close" else both.said[0].transport.abort()
        later = await nothing_comes(both.reader.read(10))
        both.proxy.thaw()
        assert await later == b""

    check(body)


def test_half_open_towards_the_client_still_carries_its_questions() -> None:
    """The server hears everything, the client neither the answer nor that the server has left."""

    async def body(both: Ends) -> None:
        both.proxy.freeze(requests=False)
        both.writer.write(b"question")
        await until(lambda: both.bytes_heard == b"question")
        both.said[0].write(b"answer")
        both.said[0].close()
        later = await nothing_comes(both.reader.readexactly(6))
        both.proxy.thaw()
        assert await later == b"answer"

    check(body)


def test_half_open_towards_the_server_still_carries_its_words() -> None:
    """The client hears the server; the server neither a question nor that the client has left."""

    async def body(both: Ends) -> None:
        both.proxy.freeze(answers=False)
        both.said[0].write(b"news")
        assert await both.reader.readexactly(4) == b"news"
        both.writer.write(b"question")
        both.writer.transport.abort()
        both.said[0].write(b"to nobody")  # its kernel's RST is lost as well
        later = await nothing_comes(told(both))
        assert both.heard == []
        both.proxy.thaw()
        assert await later == b""

    check(body)


def test_reset_ends_both_sides_with_an_error() -> None:
    """RST, not an end of the stream; the next connection works."""

    async def body(both: Ends) -> None:
        await both.proxy.reset()
        with pytest.raises(ConnectionResetError):
            await both.reader.read(10)
        await until(lambda: both.ended == ["reset"])
        reader, writer = await asyncio.open_connection("127.0.0.1", both.proxy.port)
        await until(lambda: len(both.said) == 2)
        both.said[1].write(b"again")
        assert await reader.readexactly(5) == b"again"
        writer.transport.abort()

    check(body)


def test_latency_delays_each_way() -> None:
    """A question and its answer take at least both delays."""

    async def body(both: Ends) -> None:
        loop = asyncio.get_running_loop()
        both.proxy.slow(latency_seconds=0.1)
        before = loop.time()
        both.writer.write(b"question")
        await until(lambda: both.bytes_heard == b"question")
        both.said[0].write(b"answer")
        await both.reader.readexactly(6)
        assert loop.time() - before >= 0.2

    check(body)


def test_a_narrow_network_takes_its_time() -> None:
    """100 kB at 200 kB/s take about half a second, and come evenly."""

    async def body(both: Ends) -> None:
        loop = asyncio.get_running_loop()
        both.proxy.slow(bytes_per_second=200_000)
        before = loop.time()
        both.said[0].write(b"x" * 100_000)
        await both.reader.readexactly(20_000)
        early = loop.time() - before
        await both.reader.readexactly(80_000)
        assert loop.time() - before >= 0.4
        assert early < (loop.time() - before) / 2

    check(body)


def test_sliced_bytes_arrive_whole_and_in_small_pieces() -> None:
    """Nothing is lost or turned around, and a reader that is quick enough sees pieces."""

    async def body(both: Ends) -> None:
        sent = bytes(range(256)) * 40
        both.proxy.slow(slice_bytes=17)
        both.writer.write(sent)
        await until(lambda: both.bytes_heard == sent)
        assert len(both.heard) > 20
        both.proxy.heal()
        both.writer.write(sent)
        await until(lambda: both.bytes_heard == sent + sent)

    check(body)
