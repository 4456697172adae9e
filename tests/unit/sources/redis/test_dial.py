"""bridge.sources.redis.dial"""

from pathlib import Path

import pytest

from bridge.clock import SystemClock
from bridge.errors import ConnectError
from bridge.sources.redis.address import Place
from bridge.sources.redis.channel import channel
from bridge.sources.redis.dial import dial
from tests.running import run
from tests.servers.ports import free_port
from tests.unit.sources.redis.scripted import scripted


def test_a_port_is_connected_to() -> None:
    """And asked nothing."""

    async def check() -> None:
        async with scripted() as server:
            wire = await dial(Place("127.0.0.1", server.port), None, channel(0), SystemClock())
            assert await wire.ask("PING") == b"PONG"
            await wire.close()
            assert server.asked == [[b"PING"]]

    run(check())


def test_who_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    """Neither on a port nor on a path."""

    async def check() -> None:
        for place in (Place("127.0.0.1", free_port()), Place(path=str(tmp_path / "none.sock"))):
            with pytest.raises((ConnectionRefusedError, FileNotFoundError)):
                await dial(place, None, channel(0), SystemClock())

    run(check())


def test_the_files_of_tls_are_read_anew(tmp_path: Path) -> None:
    """For each connection, so that a renewed certificate is used; one that is away for a moment is waited for."""

    async def check() -> None:
        with pytest.raises(ConnectError, match="ssl_ca_certs: No such file"):
            await dial(Place("h", 1), {"ssl_ca_certs": str(tmp_path / "ca.pem")}, channel(0), SystemClock())

    run(check())
