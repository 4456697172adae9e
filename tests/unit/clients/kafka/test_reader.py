"""Reading a topic once; on a real broker it is read in tests/integration/test_dead_letters.py."""

import pytest

from bridge.clients.kafka import TopicReader, parse_properties
from bridge.errors import ConnectError
from tests.running import run
from tests.servers.ports import free_ports


def test_a_server_that_is_not_there_is_named() -> None:
    """With what is wrong with it, and nothing is left open."""
    (port,) = free_ports(1)

    async def check() -> None:
        async with TopicReader([f"127.0.0.1:{port}"], "t", parse_properties({})):
            pytest.fail("connected")

    with pytest.raises(ConnectError, match=f"127.0.0.1:{port} refuses connections"):
        run(check())
