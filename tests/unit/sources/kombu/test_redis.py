"""bridge.sources.kombu.redis: what needs no server; the rest is in tests/integration/test_redis.py."""

import socket
import threading

import pytest

from bridge.clients.queue import QueuePlan
from bridge.clock import SystemClock
from bridge.errors import ConnectError
from bridge.sources.kombu.address import addresses
from bridge.sources.kombu.redis import RedisLink


def link_to(port: int) -> RedisLink:
    (address,) = addresses(f"redis://127.0.0.1:{port}/0")
    return RedisLink(address, QueuePlan("quorum", "g", {}), SystemClock(), 0)


def test_a_refused_connection_is_a_connect_error() -> None:
    """Nobody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    link = link_to(port)
    with pytest.raises(ConnectError, match=f"127.0.0.1:{port}"):
        link.open(again=False)
    link.close(polite=False)


def test_who_speaks_no_redis_is_not_connected_to() -> None:
    """A wrong port: ConnectError, whatever redis-py raises."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"SSH-2.0-OpenSSH\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        link = link_to(listening.getsockname()[1])
        with pytest.raises(ConnectError):
            link.open(again=False)
        link.close(polite=False)
        thread.join()


def test_it_can_be_left_before_it_is_open() -> None:
    """Closing and aborting what never connected does nothing, twice."""
    link = link_to(1)
    for _ in range(2):
        link.abort()
        link.close(polite=True)
    assert link.take() == []
