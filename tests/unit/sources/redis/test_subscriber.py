"""bridge.sources.redis.subscriber"""

import pytest

from bridge.clock import SystemClock
from bridge.errors import ConnectError, CredentialsError
from bridge.sources.redis.address import addresses
from bridge.sources.redis.envelope import Envelopes
from bridge.sources.redis.subscriber import Subscriber
from bridge.testing import FakeClock
from tests.running import run
from tests.servers.ports import free_port
from tests.unit.sources.redis.scripted import Say, bulk, scripted, willing


def subscriber(url: str) -> Subscriber:
    (address,) = addresses(url)
    return Subscriber(address, Envelopes(), SystemClock())


def test_what_is_asked_before_the_subscription() -> None:
    """Only what is needed: the database where it is not the first, the role where sentinels chose the server."""

    async def check() -> None:
        async with scripted() as server:
            for path in ("", "/2"):
                wire = await subscriber(f"redis://127.0.0.1:{server.port}{path}").connect()
                await wire.close()
            words = [b" ".join(command) for command in server.asked]
            hello = b"HELLO 3 SETNAME celery-bridge"
            assert words == [hello, b"PSUBSCRIBE /0.celeryev/*", hello, b"SELECT 2", b"PSUBSCRIBE /2.celeryev/*"]

    run(check())


def test_it_is_whole_from_the_moment_the_subscription_was_asked_for() -> None:
    """Not from its confirmation on: in between the server may have sent something."""

    async def check() -> None:
        clock = FakeClock()

        def say(command: list[bytes]) -> bytes | None:
            clock.turn(1)
            return willing(command)

        async with scripted(say) as server:
            (address,) = addresses(f"redis://127.0.0.1:{server.port}")
            began_at = clock.now()
            wire = await Subscriber(address, Envelopes(), clock).connect()
            assert (wire.whole_at, wire.heard_at) == (began_at + 1, began_at + 2)
            await wire.close()

    run(check())


def refusing(command: bytes, words: bytes) -> Say:
    """A server that says no to one command."""
    return lambda asked: b"-%s\r\n" % words if asked[0] == command else willing(asked)


@pytest.mark.parametrize(
    ("say", "kind", "words"),
    [
        (refusing(b"PSUBSCRIBE", b"NOPERM no channel"), CredentialsError, r"right to PSUBSCRIBE /3\.celeryev/\*"),
        (refusing(b"SELECT", b"ERR DB index is out of range"), CredentialsError, "DB index"),
        (refusing(b"HELLO", b"WRONGPASS no"), CredentialsError, "refused the login"),
        (refusing(b"HELLO", b"ERR max number of clients reached"), ConnectError, "max number"),
        (lambda _: None, ConnectError, "closed by the server|reset"),
        (lambda _: b"SSH-2.0\r\n", ConnectError, "does not speak"),
    ],
)
def test_who_refuses_is_not_connected_to(say: Say, kind: type[Exception], words: str) -> None:
    """With the reason; and the connection is closed."""

    async def check() -> None:
        async with scripted(say) as server:
            with pytest.raises(kind, match=words):
                await subscriber(f"redis://127.0.0.1:{server.port}/3").connect()
        with pytest.raises(ConnectError):
            await subscriber(f"redis://127.0.0.1:{free_port()}").connect()

    run(check())


def test_a_user_that_may_only_subscribe_is_enough() -> None:
    """A SELECT that is forbidden does not matter to publish/subscribe."""

    async def check() -> None:
        async with scripted(refusing(b"SELECT", b"NOPERM no select")) as server:
            wire = await subscriber(f"redis://127.0.0.1:{server.port}/3").connect()
            await wire.close()

    run(check())


def test_a_server_that_is_no_longer_the_master_is_left() -> None:
    """A replica is not subscribed to; when the sentinels name another one, it has moved."""

    async def check() -> None:
        role = [b"slave"]

        def say(command: list[bytes]) -> bytes | None:
            return bulk(role[0], b"0") if command[0] == b"ROLE" else willing(command)

        async with scripted(say) as server, scripted() as sentinel:
            named = [server.port]
            sentinel.say = lambda _: bulk(b"127.0.0.1", b"%d" % named[0])
            asking = subscriber(f"sentinel://127.0.0.1:{sentinel.port}?master_name=m")
            with pytest.raises(ConnectError, match="is slave, not master"):
                await asking.connect()
            role[0] = b"master"
            wire = await asking.connect()
            assert asking.follows
            assert not await asking.moved()
            named[0] = 1
            assert await asking.moved()
            sentinel.say = lambda _: None
            assert not await asking.moved()
            await wire.close()

    run(check())


def test_without_sentinels_nothing_moves() -> None:
    """There is one server."""

    async def check() -> None:
        assert not subscriber("redis://h").follows
        assert not await subscriber("redis://h").moved()

    run(check())
