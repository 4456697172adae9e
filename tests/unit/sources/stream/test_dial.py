"""bridge/sources/stream/dial.py: what needs no server; the rest is in tests/integration/test_streams.py."""

import asyncio

import pytest

from bridge.clients.queue import QueuePlan
from bridge.errors import ConfigError, ConnectError
from bridge.sources.stream.dial import Dial, difference, places_of
from bridge.sources.stream.intake import Intake
from bridge.testing import FakeClock
from tests.running import run
from tests.servers.ports import free_port


def test_each_broker_has_its_port_for_streams() -> None:
    """5552, 5551 with TLS, or what the URL says."""
    places = places_of("amqp://a;amqps://b;amqp://c?stream_port=1234&heartbeat=5")
    assert [(address.host, port) for address, port in places] == [("a", 5552), ("b", 5551), ("c", 1234)]


@pytest.mark.parametrize("port", ["", "0", "65536", "x", "-1"])
def test_what_is_no_port_is_refused(port: str) -> None:
    """It is said with the broker's name."""
    with pytest.raises(ConfigError, match=rf"amqp://a: stream_port={port}: a port"):
        places_of(f"amqp://a?stream_port={port}")


def test_a_port_of_another_cluster_is_noticed() -> None:
    """By product and cluster name, where both sides tell; what a broker does not tell is no difference."""
    ours = {"product": "RabbitMQ", "cluster_name": b"rabbit@one"}
    assert difference(ours, {"product": "RabbitMQ", "cluster_name": "rabbit@one"}) == ""
    assert difference(ours, {"product": "RabbitMQ"}) == ""
    assert difference({}, {"product": "RabbitMQ", "cluster_name": "x"}) == ""
    assert "cluster_name 'rabbit@two', not 'rabbit@one'" in difference(ours, {"cluster_name": "rabbit@two"})
    assert "product 'Other'" in difference(ours, {"product": "Other"})


def test_a_broker_that_is_not_there_is_a_connect_error() -> None:
    """AMQP comes first: without it nothing is declared."""

    async def check() -> None:
        dial = Dial(QueuePlan("stream", "g", {}), "g", 10, FakeClock())
        ((address, port),) = places_of(f"amqp://127.0.0.1:{free_port()}")
        with pytest.raises(ConnectError):
            await dial.open(address, port, Intake(10, 10, FakeClock(), changed=lambda: None))
        await asyncio.sleep(0)

    run(check())
