"""bridge.sources.redis.sentinel"""

import pytest

from bridge.clock import SystemClock
from bridge.errors import ConnectError, CredentialsError
from bridge.sources.redis.address import Address, Place, addresses
from bridge.sources.redis.sentinel import Sentinels
from tests.running import run
from tests.servers.ports import free_port
from tests.unit.sources.redis.scripted import bulk, scripted


def address(*ports: int, query: str = "") -> Address:
    hosts = ";".join(f"sentinel://127.0.0.1:{port}" for port in ports)
    (found,) = addresses(f"{hosts}?master_name=mymaster{query}")
    return found


def test_the_first_that_answers_is_believed_and_asked_first_from_then_on() -> None:
    """One that is not there and one that knows nothing are passed over."""

    async def check() -> None:
        async with scripted(lambda _: b"*-1\r\n") as ignorant, scripted(lambda _: bulk(b"10.0.0.7", b"6380")) as knows:
            sentinels = Sentinels(address(free_port(), ignorant.port, knows.port), SystemClock())
            assert await sentinels.master() == Place("10.0.0.7", 6380)
            assert await sentinels.master() == Place("10.0.0.7", 6380)
            assert len(ignorant.asked) == 1
            assert knows.asked == [[b"SENTINEL", b"get-master-addr-by-name", b"mymaster"]] * 2

    run(check())


def test_none_of_them_knows() -> None:
    """The last one's reason is told."""

    async def check() -> None:
        async with scripted(lambda _: b"*-1\r\n") as ignorant:
            with pytest.raises(ConnectError, match="knows no master mymaster"):
                await Sentinels(address(free_port(), ignorant.port), SystemClock()).master()
        with pytest.raises(ConnectError, match="cannot connect to sentinel"):
            await Sentinels(address(free_port()), SystemClock()).master()

    run(check())


def test_one_that_says_nothing_is_given_up() -> None:
    """In a second: the next one knows as much."""

    async def check() -> None:
        async with scripted(lambda _: b"") as silent:
            with pytest.raises(ConnectError, match="no answer in time"):
                await Sentinels(address(silent.port), SystemClock()).master()

    run(check())


def test_sentinels_may_want_a_password() -> None:
    """Their own; without it they refuse."""

    async def check() -> None:
        async with scripted(lambda _: b"-NOAUTH Authentication required.\r\n") as closed:
            with pytest.raises(CredentialsError):
                await Sentinels(address(closed.port), SystemClock()).master()
        async with scripted(lambda c: bulk(b"h", b"1") if c[0] == b"SENTINEL" else b"+OK\r\n") as server:
            sentinels = Sentinels(address(server.port, query="&sentinel_password=pw"), SystemClock())
            assert await sentinels.master() == Place("h", 1)
            assert server.asked[0] == [b"AUTH", b"pw"]

    run(check())
