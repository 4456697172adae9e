"""What the short forms of the runs happen in."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.servers.kafka import KafkaServer
from tests.servers.rabbitmq import RabbitServer
from tests.torture.network import Network
from tests.torture.scene import Scene

MakeScene = Callable[..., Scene]
"""From the queue type, and what else `Scene` takes."""


@pytest.fixture
def scene(kafka: KafkaServer, rabbitmq: RabbitServer, tmp_path: Path) -> Iterator[MakeScene]:
    """Makes scenes on the session's servers; their bridges and queues end with the test."""
    with ExitStack() as stack:
        yield lambda queue_type, **options: stack.enter_context(Scene(kafka, rabbitmq, tmp_path, queue_type, **options))


@pytest.fixture
def network() -> Iterator[Network]:
    """Its thread ends with the test."""
    with Network() as network:
        yield network
