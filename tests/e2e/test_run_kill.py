"""Bridges that are forced to end while Kafka is stuck: no event is lost. Kills and stops are in tests/torture."""

import signal
from collections.abc import Callable

import pytest

from tests.e2e.bridge_process import BridgeProcess, StartBridge
from tests.e2e.topic import Topic
from tests.e2e.traffic import Traffic
from tests.servers.kafka import KafkaServer
from tests.servers.rabbitmq import RabbitServer

pytestmark = pytest.mark.servers("kafka", "rabbitmq")


@pytest.fixture
def frozen_kafka(kafka_servers: Callable[..., KafkaServer]) -> KafkaServer:
    """A Kafka of the test's own, that it may freeze."""
    return kafka_servers()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 75), (signal.SIGINT, 130)])
def test_a_second_signal_forces_the_end(
    bridge: StartBridge, rabbitmq: RabbitServer, group: str, frozen_kafka: KafkaServer, number: int, code: int
) -> None:
    """With a Kafka that is stuck the first signal waits, the second ends it; what was unsettled comes again."""
    topic = Topic(frozen_kafka)
    ends = ("run", "--from", rabbitmq.url, "--group", group, "--to", topic.url)
    with Traffic(rabbitmq.url) as traffic:
        process = stuck(bridge(*ends), frozen_kafka, traffic)
        process.signal(number)
        process.wait_for("stop requested")
        assert process.running
        process.signal(number)
        assert process.ended(within=15) == code, process.stderr
    (forced,) = process.said("stop forced: what is unsettled may be delivered twice")
    summary = process.summary()
    assert forced["unsettled"] == summary["unsettled"] == summary["received"] > 0
    assert summary["delivered"] == 0
    frozen_kafka.resume()
    assert_all_come(bridge(*ends), topic, traffic)


def test_the_grace_period_ends_it(
    bridge: StartBridge, rabbitmq: RabbitServer, group: str, frozen_kafka: KafkaServer
) -> None:
    """With a Kafka that is stuck one signal ends it within the grace period, with 75; the rest comes again."""
    grace_seconds = 12  # a quarter of it, for the end by force, is enough on a busy machine too
    topic = Topic(frozen_kafka)
    ends = ("run", "--from", rabbitmq.url, "--group", group, "--to", topic.url)
    with Traffic(rabbitmq.url) as traffic:
        process = stuck(bridge(*ends, "--shutdown-grace-seconds", str(grace_seconds)), frozen_kafka, traffic)
        process.terminate()
        assert process.ended(within=grace_seconds) == 75, process.stderr
    frozen_kafka.resume()
    assert_all_come(bridge(*ends), topic, traffic)


def stuck(process: BridgeProcess, kafka: KafkaServer, traffic: Traffic) -> BridgeProcess:
    """
    A bridge that waits for Kafka, which is frozen, with some of 100 events; it says so 5 s after it read the first.

    How many it has read by then is open: on a busy machine the last of them may be on their way still.
    """
    process.wait_for("chain started")
    kafka.freeze()
    traffic.add(100)
    traffic.wait()
    process.wait_for("waiting for kafka")
    return process


def assert_all_come(process: BridgeProcess, topic: Topic, traffic: Traffic) -> None:
    """Another bridge delivers what the first one could not, or had sent to Kafka without an answer."""
    process.wait_for("chain started")
    account = topic.account(traffic.accepted, meanwhile=process.assert_running)
    process.terminate()
    assert process.ended() == 0
    assert account.faults == {}
