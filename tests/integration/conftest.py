"""What tests on real servers share."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.servers.rabbitmq import RabbitServer


@pytest.fixture
def group(rabbitmq: RabbitServer) -> Iterator[str]:
    """A group of the test's own; its queue is removed afterwards."""
    name = f"test-{uuid4()}"
    yield name
    rabbitmq.delete(f"celeryev.bridge.{name}")
