"""bridge.sources.redis.source; what every source promises is in tests/contract, real servers in tests/integration."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bridge.errors import ConfigError, ConnectError, CredentialsError, EndOfStream
from bridge.model import Delivery, Gap
from bridge.sources.redis import RedisSource
from bridge.testing import FakeClock
from tests.running import run, until
from tests.servers.ports import free_port
from tests.unit.sources.redis.scripted import Scripted, message, scripted, willing


@asynccontextmanager
async def reading(buffer_bytes: int = 10**6) -> AsyncIterator[tuple[RedisSource, Scripted, FakeClock]]:
    """A source of a scripted server, with a clock that is turned by hand."""
    clock = FakeClock()
    async with scripted() as server:
        url = f"redis://127.0.0.1:{server.port}"
        async with RedisSource(url, buffer_bytes=buffer_bytes, clock=clock) as source:
            yield source, server, clock


def pings(server: Scripted) -> int:
    return server.asked.count([b"PING"])


def test_a_url_that_can_never_work_is_refused() -> None:
    """Also the second alternative's: a ConfigError before anything is connected."""
    with pytest.raises(ConfigError, match="protocol=9"):
        RedisSource("redis://h;redis://h?protocol=9")


def test_three_unanswered_pings_are_a_dead_connection() -> None:
    """The gap begins when the last ping that was answered was sent, and ends with the new subscription."""

    async def check() -> None:
        async with reading() as (source, server, clock):
            await until(lambda: pings(server) == 1)
            whole_until = clock.now()
            server.tell(message(b"1"))
            assert [item.body for item in await source.read() if isinstance(item, Delivery)] == [b"1"]
            server.say = lambda command: b"" if command == [b"PING"] else willing(command)
            for beat in range(4):
                assert server.accepted == 1
                await clock.until_sleeping()
                clock.turn(2.5)
                await until(lambda beat=beat: pings(server) >= min(beat + 2, 4))  # type: ignore[misc]
            items: list[Delivery | Gap] = []
            while not items:
                clock.turn(0.1)  # the pause before the next attempt
                reads = asyncio.create_task(source.read())
                await asyncio.wait({reads}, timeout=0.05)
                items = reads.result() if reads.done() else []
                reads.cancel()
            (gap,) = items
            assert isinstance(gap, Gap)
            assert (gap.reason, gap.from_time) == ("disconnected", whole_until)
            assert gap.to_time >= whole_until + 10

    run(check())


def test_pings_are_sent_to_a_busy_server_too() -> None:
    """Their answers say up to when nothing can be missing; silence is only what has no sign of life at all."""

    async def check() -> None:
        async with reading() as (source, server, clock):
            server.say = lambda command: message(b"busy") if command == [b"PING"] else willing(command)
            for beat in range(1, 12):
                await until(lambda beat=beat: pings(server) == beat)  # type: ignore[misc]
                await source.read()
                await clock.until_sleeping()
                clock.turn(2.5)
            assert server.accepted == 1

    run(check())


def test_what_does_not_fit_is_one_gap_that_begins_where_all_was_whole() -> None:
    """Nobody reads: the oldest are kept, the rest is counted."""

    async def check() -> None:
        async with reading(buffer_bytes=450) as (source, server, clock):
            await until(lambda: pings(server) == 1)
            whole_until = clock.now()
            await clock.until_sleeping()
            clock.turn(1)
            server.tell(message(b"[1,2]") * 10 + message(b"last"))
            await until(lambda: source._inbox._overflow is not None)
            items = await source.read()
            gap = items[-1] if isinstance(items[-1], Gap) else (await source.read())[0]
            assert [item.body for item in items if isinstance(item, Delivery)] == [b"[1,2]"] * 3
            assert isinstance(gap, Gap)
            assert (gap.reason, gap.from_time, gap.to_time) == ("overflow", whole_until, whole_until + 1)

    run(check())


def test_a_refusal_is_an_error_with_fail_fast() -> None:
    """CredentialsError and ConnectError, after every alternative was tried."""

    async def connect(url: str) -> None:
        async with RedisSource(url, fail_fast=True):
            pytest.fail("connected")

    async def check() -> None:
        async with scripted(lambda _: b"-WRONGPASS no\r\n") as refusing:
            with pytest.raises(CredentialsError):
                await connect(f"redis://127.0.0.1:{free_port()};redis://u:p@127.0.0.1:{refusing.port}")
        with pytest.raises(ConnectError):
            await connect(f"redis://127.0.0.1:{free_port()};redis://127.0.0.1:{free_port()}")

    run(check())


def test_who_refuses_is_asked_less_and_less_often() -> None:
    """A server that is not there is asked every 0.1 s at most, one that refuses us with growing pauses."""

    async def slept(url: str, attempts: int) -> tuple[float, ...]:
        clock = FakeClock()
        source = RedisSource(url, clock=clock)
        entering = asyncio.create_task(source.__aenter__())
        while len(clock.slept) < attempts:
            await clock.until_sleeping()
            clock.turn(5)
        source.stop()
        await entering
        await source.__aexit__(None, None, None)
        return clock.slept

    async def check() -> None:
        assert max(await slept(f"redis://127.0.0.1:{free_port()}", 30)) <= 0.1
        async with scripted(lambda _: b"-NOAUTH no\r\n") as refusing:
            assert max(await slept(f"redis://127.0.0.1:{refusing.port}", 20)) > 0.2

    run(check())


def test_a_connection_that_breaks_at_once_over_and_over_is_not_made_without_a_pause() -> None:
    """A server that confirms and hangs up does not keep the loop busy."""

    async def check() -> None:
        async with reading() as (source, server, clock):
            server.say = lambda command: None if command == [b"PING"] else willing(command)
            server.hang_up(server.writers[0])
            for connections in range(2, 5):
                await until(lambda: any(0 < pause <= 0.1 for pause in clock.slept))
                made = server.accepted
                assert made <= connections
                while server.accepted == made:
                    clock.turn(0.1)
                    await asyncio.sleep(0)
            source.stop()

    run(check())


def test_stopping_cuts_the_connection() -> None:
    """At once, twice if need be; what was read before is handed out."""

    async def check() -> None:
        async with reading() as (source, server, _):
            server.tell(message(b"1"))
            await until(lambda: bool(source._inbox._items))
            source.stop()
            source.stop()
            await until(lambda: not server.writers)
            assert [item.body for item in await source.read() if isinstance(item, Delivery)] == [b"1"]
            with pytest.raises(EndOfStream):
                await source.read()

    run(check())
