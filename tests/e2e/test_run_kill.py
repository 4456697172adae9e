"""Bridges that end in the middle of their work: killed, stopped, forced. Whatever the end, no event is lost."""

import random
import signal
from collections.abc import Callable

import pytest

from tests.e2e.bridge_process import BridgeProcess, StartBridge
from tests.e2e.topic import Topic
from tests.e2e.traffic import Traffic
from tests.servers.kafka import KafkaServer
from tests.servers.rabbitmq import RabbitServer

pytestmark = pytest.mark.servers("kafka", "rabbitmq")

KILLS = 8
EVENTS_A_LIFE = 3500
STOPS = 5
PREFETCH = 300  # about 500 events: so that an end comes in the middle of reading, and not of a backlog in memory


@pytest.fixture
def frozen_kafka(kafka_servers: Callable[..., KafkaServer]) -> KafkaServer:
    """A Kafka of the test's own, that it may freeze."""
    return kafka_servers()


def test_kill_9_loses_nothing(bridge: StartBridge, kafka: KafkaServer, rabbitmq: RabbitServer, group: str) -> None:
    """
    Killed 8 times at random moments of 30,000 events: each is in the topic, what is there twice has the same event_id
    and the same fields of its sender, and nothing is dead-lettered by it.
    """
    topic, moments = Topic(kafka), random.Random(8)
    ends = ("run", "--from", rabbitmq.url, "--group", group, "--to", topic.url, "--prefetch", str(PREFETCH))
    process = bridge(*ends)
    process.wait_for("broker connected")
    with Traffic(rabbitmq.url) as traffic:
        for life in range(KILLS):
            traffic.add(EVENTS_A_LIFE)
            topic.wait_for(life * EVENTS_A_LIFE + moments.randrange(1, EVENTS_A_LIFE), meanwhile=process.assert_running)
            process.kill()
            process = bridge(*ends)
        traffic.add(30_000 - KILLS * EVENTS_A_LIFE)
        traffic.wait()
    account = topic.account(traffic.accepted, meanwhile=process.assert_running)
    process.terminate()
    assert process.ended() == 0
    assert account.faults == {}
    assert len(traffic.accepted) == 30_000
    assert topic.dead_letters() == []
    assert process.alarms() == []


def test_sigterm_under_load_loses_and_repeats_nothing(
    bridge: StartBridge, kafka: KafkaServer, rabbitmq: RabbitServer, group: str
) -> None:
    """Stopped 5 times while events pour in, each time exit 0 within the grace: each event is there exactly once."""
    topic = Topic(kafka)
    ends = ("run", "--from", rabbitmq.url, "--group", group, "--to", topic.url)
    delivered = 0
    with Traffic(rabbitmq.url) as traffic:
        for stop in range(STOPS):
            process = bridge(*ends)
            process.wait_for("chain started")
            traffic.add(4000)
            topic.wait_for(stop * 4000 + 1000, meanwhile=process.assert_running)
            process.terminate()
            assert process.ended(within=20) == 0, process.stderr
            assert process.summary()["unsettled"] == 0
            assert process.alarms() == []
            delivered += process.summary()["delivered"]
        traffic.wait()
    last = bridge(*ends)
    last.wait_for("chain started")
    topic.wait_for(STOPS * 4000, meanwhile=last.assert_running)
    last.terminate()
    assert last.ended() == 0
    delivered += last.summary()["delivered"]

    account = topic.account(traffic.accepted)
    assert account.faults == {}
    assert account.repeated == {}
    assert delivered == len(traffic.accepted) == STOPS * 4000


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
