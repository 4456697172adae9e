"""The short form of servers that go down under load: the same code and ledger, on servers of their own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers.kafka import KafkaServer
from tests.servers.rabbitmq import RabbitServer
from tests.torture.outages import outages
from tests.torture.scene import Scene


@pytest.mark.timeout(300)  # four starts of servers
@pytest.mark.servers("leftovers_swept")
def test_servers_that_go_down_lose_and_repeat_nothing_of_a_stream(
    kafka_servers: Callable[..., KafkaServer], rabbitmq_servers: Callable[..., RabbitServer], tmp_path: Path
) -> None:
    """
    Kafka killed and RabbitMQ stopped under load, beneath one bridge that reads a stream: each event that RabbitMQ
    accepted is in the topic exactly once, those of one task in their order.
    """
    with Scene(kafka_servers(), rabbitmq_servers(), tmp_path, "stream") as scene:
        report = outages(scene, events=12_000, times=2, rate=3_000, seed=20261128)
    assert report.faults == []
    assert report.figures["accepted"] == 12_000
