"""bridge.sinks.kafka.forgetting; with a Kafka: tests/integration/test_forget.py"""

import pytest

from bridge.errors import ConfigError, ConnectError
from bridge.sinks.kafka import forget_position, stored_position
from tests.running import run
from tests.servers.ports import free_ports


def test_a_kafka_that_is_not_there_is_an_error_at_once() -> None:
    """Somebody waits for an answer; it says which servers."""
    server = f"127.0.0.1:{free_ports(1)[0]}"
    for call in (stored_position, forget_position):
        with pytest.raises(ConnectError, match=server):
            run(call([server], "t", "id", {}))


def test_wrong_properties_are_a_configuration_error() -> None:
    """Before anything connects."""
    with pytest.raises(ConfigError, match=r"no\.such"):
        run(stored_position(["127.0.0.1:1"], "t", "id", {"no.such": "1"}))
