"""bridge/sources/stream/login.py."""

import asyncio
import struct

import pytest

from bridge.errors import ConnectError, CredentialsError
from bridge.sources.amqp.address import Address, addresses
from bridge.sources.stream import commands
from bridge.sources.stream.commands import Key
from bridge.sources.stream.login import open_connection
from bridge.testing import FakeClock
from tests.running import run, until
from tests.servers.ports import free_port
from tests.unit.sources.stream.streaming import Peer


def address(query: str = "") -> Address:
    return addresses(f"amqp://user:secret@127.0.0.1/vhost{query}")[0]


def test_we_get_in() -> None:
    """With user, password and virtual host of the URL, and our heartbeat; the server tells its cluster."""

    async def check() -> None:
        async with Peer() as peer:
            opened = await open_connection(address("?heartbeat=7"), peer.port, "name", FakeClock())
            assert opened.server["cluster_name"] == "rabbit@one"
            await opened.close(polite=True)
            received = dict(peer.received)
            assert received[Key.SASL_AUTHENTICATE][4:] == commands.authenticate("PLAIN", b"\0user\0secret")
            assert received[Key.TUNE] == commands.tune(1048576, 7)
            assert received[Key.OPEN][4:] == commands.text("vhost")
            assert b"connection_name\0\4name" in received[Key.PEER_PROPERTIES]

    run(check())


def test_a_certificate_can_be_who_we_are() -> None:
    """EXTERNAL sends no password."""

    async def check() -> None:
        async with Peer() as peer:
            opened = await open_connection(address("?auth_mechanism=external"), peer.port, "name", FakeClock())
            await opened.close(polite=False)
            assert dict(peer.received)[Key.SASL_AUTHENTICATE][4:] == commands.authenticate("EXTERNAL", b"")

    run(check())


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({Key.SASL_AUTHENTICATE: b"\0\x08"}, "refused the login"),
        ({Key.SASL_HANDSHAKE: b"\0\1" + struct.pack(">I", 1) + commands.text("OAUTH")}, "does not offer PLAIN"),
        ({Key.OPEN: b"\0\x0c"}, "did not let us into 'vhost'"),
    ],
)
def test_a_refusal_is_said_without_the_password(answers: dict[int, bytes], words: str) -> None:
    """It is a CredentialsError."""

    async def check() -> None:
        async with Peer(answers) as peer:
            with pytest.raises(CredentialsError, match=words) as caught:
                await open_connection(address(), peer.port, "name", FakeClock())
            assert "secret" not in str(caught.value)

    run(check())


def test_a_port_where_nobody_listens_is_told() -> None:
    """It is a ConnectError."""

    async def check() -> None:
        with pytest.raises(ConnectError, match="for streams"):
            await open_connection(address(), free_port(), "name", FakeClock())

    run(check())


def test_a_server_that_says_nothing_is_given_up() -> None:
    """After the time that the URL allows."""

    async def check() -> None:
        async with Peer({Key.PEER_PROPERTIES: b""}) as peer:
            with pytest.raises(ConnectError, match="no answer in time"):
                await open_connection(address("?connection_timeout=50"), peer.port, "name", FakeClock())

    run(check())


def test_another_protocol_is_told() -> None:
    """A web server at that port is a ConnectError."""

    async def check() -> None:
        async with Peer({Key.PEER_PROPERTIES: b""}) as peer:
            opening = asyncio.create_task(open_connection(address(), peer.port, "name", FakeClock()))
            await until(lambda: bool(peer.seen()))
            peer.push(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            with pytest.raises(ConnectError, match="stream protocol"):
                await opening

    run(check())
