"""What tests on real servers share."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from bridge.sources.amqp import AmqpSource
from bridge.sources.kombu import KombuSource
from tests.reading import OpenSource
from tests.servers.rabbitmq import RabbitServer


@pytest.fixture(params=[AmqpSource, KombuSource], ids=["amqp", "kombu"])
def open_source(request: pytest.FixtureRequest) -> OpenSource:
    """The test runs once with our own source and once with kombu's."""
    kind: OpenSource = request.param
    return kind


@pytest.fixture
def group(rabbitmq: RabbitServer) -> Iterator[str]:
    """A group of the test's own; its queue is removed afterwards."""
    name = f"test-{uuid4()}"
    yield name
    rabbitmq.delete(f"celeryev.bridge.{name}")
