"""Unit tests of bridge.sinks.kafka.look (with brokers: tests/integration/test_kafka*.py)."""

import pytest
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaConnectionError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)

from bridge.clients.kafka import parse_properties
from bridge.errors import ConnectError, CredentialsError
from bridge.sinks.kafka.look import explained, look
from tests.running import run
from tests.servers.ports import free_port

PROPERTIES = parse_properties({})


def test_closed_port_is_a_connect_error_that_says_so() -> None:
    """Not aiokafka's `Unable to bootstrap`."""

    async def check() -> None:
        address = f"127.0.0.1:{free_port()}"
        with pytest.raises(ConnectError, match=f"^{address} refuses connections$"):
            await look([address], PROPERTIES, {"t": 1}, create=False, own={"t": {}})

    run(check())


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ClusterAuthorizationFailedError(), "IdempotentWrite"),
        (TopicAuthorizationFailedError("t.positions"), r"t\.positions"),
        (TransactionalIdAuthorizationFailed("x"), "transactional id"),
    ],
)
def test_missing_right_is_told_as_one(error: Exception, reason: str) -> None:
    """It may be granted while the bridge waits."""

    async def refused() -> None:
        raise error

    async def check() -> None:
        with pytest.raises(CredentialsError, match=reason):
            await explained(refused(), [], PROPERTIES)

    run(check())


def test_every_other_failure_is_looked_into() -> None:
    """aiokafka says the same of most."""

    async def failed() -> None:
        raise KafkaConnectionError

    async def check() -> None:
        with pytest.raises(ConnectError, match="refuses connections"):
            await explained(failed(), [f"127.0.0.1:{free_port()}"], PROPERTIES)

    run(check())
