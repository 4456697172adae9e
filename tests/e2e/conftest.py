"""Fixtures of the end-to-end tests: bridges that end with their test, and queues that do too."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest

from tests.e2e.bridge_process import BridgeProcess, StartBridge
from tests.servers.rabbitmq import RabbitServer


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[StartBridge]:
    """Starts a bridge from the command's arguments; what still runs at the end of the test is killed."""
    started: list[BridgeProcess] = []

    def start(*arguments: str, **options: object) -> BridgeProcess:
        started.append(BridgeProcess(tmp_path, *arguments, **options))  # type: ignore[arg-type]
        return started[-1]

    yield start
    for process in started:
        process.kill()


@pytest.fixture
def group(rabbitmq: RabbitServer) -> Iterator[str]:
    """A group, so a queue, of the test's own on the session's RabbitMQ; deleted after it."""
    name = f"e2e-{uuid4().hex[:12]}"
    yield name
    with suppress(OSError), rabbitmq.connect() as connection:
        connection.channel().queue_delete(f"celeryev.bridge.{name}")
