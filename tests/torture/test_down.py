"""The short form of a Kafka that is down for long: the same code and ledger."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers.kafka import KafkaServer
from tests.servers.rabbitmq import RabbitServer
from tests.torture.down import down
from tests.torture.scene import Scene


@pytest.mark.servers("rabbitmq")
def test_events_wait_in_the_broker_while_kafka_is_down(
    kafka_servers: Callable[..., KafkaServer], rabbitmq: RabbitServer, tmp_path: Path
) -> None:
    """With a full window the bridge does not grow, and keeps its one connection; afterwards everything arrives once."""
    with Scene(kafka_servers(), rabbitmq, tmp_path, "quorum", ("--prefetch", "300")) as scene:
        report = down(scene, events=8_000, rate=2_000)
    assert report.faults == []
    assert report.figures["accepted"] == 8_000
