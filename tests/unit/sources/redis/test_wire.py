"""bridge.sources.redis.wire"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import hiredis
import pytest

from bridge.model import Delivery
from bridge.sources.redis.address import Place
from bridge.sources.redis.channel import channel
from bridge.sources.redis.dial import dial
from bridge.sources.redis.wire import Wire
from bridge.testing import FakeClock
from tests.running import run, until
from tests.unit.sources.redis.scripted import PONG, Say, Scripted, message, scripted, willing


@asynccontextmanager
async def connected(say: Say = willing) -> AsyncIterator[tuple[Wire, Scripted, FakeClock]]:
    """A wire to a scripted server, with a clock that stands still."""
    clock = FakeClock()
    async with scripted(say) as server:
        wire = await dial(Place("127.0.0.1", server.port), None, channel(0), clock)
        try:
            yield wire, server, clock
        finally:
            await wire.close()


def test_answers_belong_to_questions_in_their_order() -> None:
    """Two questions under way at once; what was refused is raised."""

    async def check() -> None:
        async with connected(lambda command: b"-ERR no\r\n" if command[0] == b"B" else b"+%s\r\n" % command[0]) as (
            wire,
            _,
            _,
        ):
            first, second, third = (asyncio.ensure_future(wire.ask(word)) for word in "ABC")
            assert (await first, await third) == (b"A", b"C")
            with pytest.raises(hiredis.ReplyError, match="no"):
                await second

    run(check())


def test_deliveries_are_held_until_somebody_takes_them() -> None:
    """What comes right behind the confirmation is not lost, and what comes later is given with its time."""

    async def check() -> None:
        taken: list[tuple[list[Delivery], float]] = []
        async with connected(lambda _: b"+OK\r\n" + message(b"1")) as (wire, server, _):
            wire.whole_at = 77.0
            await wire.ask("PSUBSCRIBE", "x")
            held = wire.deliver(lambda deliveries, whole_at: taken.append((deliveries, whole_at)))
            assert [delivery.body for delivery in held] == [b"1"]
            server.tell(message(b"2"))
            await until(lambda: bool(taken))
            ((deliveries, whole_at),) = taken
            assert [delivery.body for delivery in deliveries] == [b"2"]
            assert whole_at == 77.0

    run(check())


def test_it_is_whole_until_the_last_ping_that_was_answered_was_sent() -> None:
    """Not until its answer came: between the two something may be under way."""

    async def check() -> None:
        answers = [PONG, b""]
        async with connected(lambda _: answers.pop(0)) as (wire, server, clock):
            wire.ping()
            asked_at = clock.now()
            clock.turn(3)
            await until(lambda: wire.whole_at == asked_at and len(server.asked) == 1)
            wire.ping()
            await until(lambda: len(server.asked) == 2)
            assert wire.whole_at == asked_at

    run(check())


def test_a_ping_tells_whether_anything_was_heard_since_the_last() -> None:
    """Messages and refusals are signs of life too."""

    async def check() -> None:
        async with connected(lambda _: b"-LOADING later\r\n") as (wire, server, _):
            assert not wire.ping()
            await until(wire.ping)
            answered = len(server.asked)
            await until(lambda: len(server.asked) == answered)
            server.say = lambda _: b""
            await until(lambda: not wire.ping())
            server.tell(message(b"x"))
            await until(wire.ping)

    run(check())


@pytest.mark.parametrize(
    ("words", "reason"),
    [(b"", "closed by the server"), (b"-ERR max number of clients reached\r\n", "max number of clients")],
)
def test_a_lost_connection_says_why(words: bytes, reason: str) -> None:
    """The server's last words, if it had any; who waits for an answer is told too, and who asks later."""

    async def check() -> None:
        async with connected(lambda _: b"") as (wire, server, _):
            asking = asyncio.ensure_future(wire.ask("PING")) if not words else None
            await until(lambda: bool(server.writers))
            server.tell(words)
            await until(lambda: bool(server.asked) or bool(words))
            server.hang_up(server.writers[0])
            assert reason in str(await wire.lost)
            if asking is not None:
                with pytest.raises(ConnectionResetError):
                    await asking
            with pytest.raises((ConnectionResetError, hiredis.ReplyError)):
                await wire.ask("PING")
            wire.ping()

    run(check())


def test_what_is_no_redis_is_cut_off() -> None:
    """With the parser's reason."""

    async def check() -> None:
        async with connected(lambda _: b"SSH-2.0\r\n") as (wire, _, _):
            with pytest.raises(hiredis.ProtocolError):
                await wire.ask("PING")
            assert isinstance(await wire.lost, hiredis.ProtocolError)

    run(check())


def test_the_first_reason_is_the_one_that_is_told() -> None:
    """Closing what was given up changes nothing, twice."""

    async def check() -> None:
        async with connected() as (wire, _, _):
            wire.fail(ConnectionAbortedError("silent"))
            await wire.close()
            await wire.close()
            assert str(wire.lost.result()) == "silent"

    run(check())
