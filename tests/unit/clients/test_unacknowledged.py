"""bridge/clients/unacknowledged.py."""

import asyncio
import socket

import pytest

from bridge.clients.unacknowledged import bound_unacknowledged
from tests.running import run


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="the system has no such thing")
def test_the_system_is_told() -> None:
    """In milliseconds."""

    async def check() -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            _, writer = await asyncio.open_connection(*server.getsockname())
            bound_unacknowledged(writer.transport, 7.5)
            told = writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            writer.close()
            await writer.wait_closed()
            assert told == 7500

    run(check())


def test_what_is_no_tcp_is_left_alone() -> None:
    """A socket of this machine, and no socket at all."""

    async def check() -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            _, writer = await asyncio.open_connection(sock=ours)
            bound_unacknowledged(writer.transport, 7.5)
            writer.close()
            await writer.wait_closed()
        bound_unacknowledged(asyncio.BaseTransport(), 7.5)

    run(check())
