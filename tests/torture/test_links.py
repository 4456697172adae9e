"""The short form of broken and bad links: the same code and ledger."""

import pytest

from tests.servers.kafka import KafkaServer
from tests.servers.rabbitmq import RabbitServer
from tests.torture.conftest import MakeScene
from tests.torture.links import break_links, watched
from tests.torture.network import Links, Network

pytestmark = [pytest.mark.servers("kafka", "rabbitmq"), pytest.mark.timeout(300)]


@pytest.mark.parametrize(("queue_type", "times"), [("quorum", 2), ("stream", 1)])
def test_broken_and_bad_links_lose_nothing(
    scene: MakeScene,
    network: Network,
    kafka: KafkaServer,
    rabbitmq: RabbitServer,
    queue_type: str,
    times: int,
) -> None:
    """
    The link to RabbitMQ frozen, and that of a quorum queue half-open too: noticed, with heartbeats of a second. Then
    sliced, late and narrow. Everything is in Kafka afterwards, of a stream once. Kafka's link is in test_soak.py.
    """
    links = Links.between(network, kafka, rabbitmq)
    to_rabbitmq, _ = watched(links, queue_type)
    here = scene(queue_type, ports=links.ports, parameters="&heartbeat=1")
    report = break_links(here, [to_rabbitmq], times=times, rate=1_000, seconds=0, bad_events=300)
    assert report.faults == []
