"""bridge.sources.kombu.amqp: what needs no broker; the rest is in tests/integration/test_rabbitmq*.py."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bridge.clients.queue import QueuePlan
from bridge.clock import SystemClock
from bridge.errors import ConnectError
from bridge.sources.kombu.address import addresses
from bridge.sources.kombu.amqp import AmqpLink


def link_to(port: int) -> AmqpLink:
    (address,) = addresses(f"amqp://guest:guest@127.0.0.1:{port}//")
    return AmqpLink(address, QueuePlan("quorum", "g", {}), SystemClock(), 0)


@contextmanager
def server(answer: bytes) -> Iterator[int]:
    """Says `answer` to the first who connects, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(8)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"AMQP\x00\x01\x00\x00"])
def test_who_speaks_no_amqp_is_not_connected_to(answer: bytes) -> None:
    """A load balancer without a broker behind it, a wrong port, another AMQP: ConnectError, whatever py-amqp raises."""
    with server(answer) as port:
        link = link_to(port)
        with pytest.raises(ConnectError, match=f"127.0.0.1:{port}"):
            link.open(again=False)
        link.close(polite=False)


def test_a_refused_connection_is_a_connect_error() -> None:
    """Nobody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ConnectError, match="refused"):
        link_to(port).open(again=False)


def test_it_can_be_left_before_it_is_open() -> None:
    """Closing and aborting what never connected does nothing, twice."""
    link = link_to(1)
    for _ in range(2):
        link.abort()
        link.close(polite=True)
        link.close(polite=False)
    assert link.take() == []
