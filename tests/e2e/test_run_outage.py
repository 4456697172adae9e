"""Servers that are not there: at the start, or in the middle. `run` waits for them, says so once, and loses nothing."""

from collections.abc import Callable, Iterator

import pytest

from tests.e2e.bridge_process import StartBridge
from tests.e2e.topic import Topic
from tests.e2e.traffic import Traffic
from tests.servers.kafka import KafkaServer
from tests.servers.rabbitmq import RabbitServer

EVENTS = 4000
MOST_ALARMS = 6
"""Lines of an outage: its beginning, and each new reason while a server goes down and comes up."""

Kafkas = Callable[..., KafkaServer]
Rabbits = Callable[..., RabbitServer]


@pytest.mark.servers("rabbitmq")
def test_kafka_that_comes_later_gets_everything(
    bridge: StartBridge, kafka_servers: Kafkas, rabbitmq: RabbitServer, group: str
) -> None:
    """Kafka is down at the start: RabbitMQ keeps what is sent meanwhile, and all of it arrives once Kafka is up."""
    kafka = kafka_servers()
    topic = Topic(kafka)
    kafka.kill()
    process = bridge("run", "--from", rabbitmq.url, "--group", group, "--to", topic.url)
    assert "refuses connections" in process.wait_for("waiting for kafka")["reason"]
    with Traffic(rabbitmq.url) as traffic:
        traffic.add(EVENTS)
        traffic.wait()
    kafka.start()
    account = topic.account(traffic.accepted, meanwhile=process.assert_running)
    process.terminate()
    assert process.ended() == 0
    assert account.faults == {}
    assert account.repeated == {}
    assert len(process.said("kafka connected")) == len(process.said("chain started")) == 1
    assert len(process.alarms()) <= MOST_ALARMS, process.stderr


@pytest.mark.servers("rabbitmq")
def test_kafka_killed_and_restarted_loses_nothing(
    bridge: StartBridge, kafka_servers: Kafkas, rabbitmq: RabbitServer, group: str
) -> None:
    """Kafka is killed in the middle of events and comes back: all of them are there, by the same process."""
    kafka = kafka_servers()
    topic = Topic(kafka)
    process = bridge("run", "--from", rabbitmq.url, "--group", group, "--to", topic.url)
    process.wait_for("chain started")
    with Traffic(rabbitmq.url) as traffic:
        traffic.add(EVENTS)
        topic.wait_for(EVENTS // 4, meanwhile=process.assert_running)
        kafka.kill()
        traffic.add(EVENTS)
        traffic.wait()
        process.wait_for("waiting for kafka")
        kafka.start()
        account = topic.account(traffic.accepted, meanwhile=process.assert_running)
    process.wait_for("kafka takes records again")
    process.terminate()
    assert process.ended() == 0
    assert account.faults == {}
    assert process.summary()["unsettled"] == 0
    assert len(process.said("kafka takes records again")) == 1
    assert len(process.alarms()) <= MOST_ALARMS, process.stderr


@pytest.fixture
def unstarted_rabbitmq(rabbitmq: RabbitServer) -> Iterator[RabbitServer]:
    """A node of the test's own that the test starts; where there can be none, the session's says so first."""
    server = RabbitServer()
    yield server
    server.__exit__()


@pytest.mark.servers("kafka", "rabbitmq")
def test_rabbitmq_that_comes_later_is_waited_for(
    bridge: StartBridge, kafka: KafkaServer, unstarted_rabbitmq: RabbitServer
) -> None:
    """RabbitMQ is down at the start: the process stays, says so once, and delivers when it is up."""
    topic, rabbitmq = Topic(kafka), unstarted_rabbitmq
    process = bridge("run", "--from", rabbitmq.url, "--to", topic.url)
    process.wait_for("broker not reached, trying again")
    rabbitmq.start()
    process.wait_for("chain started")
    with Traffic(rabbitmq.url) as traffic:
        traffic.add(EVENTS)
        traffic.wait()
        account = topic.account(traffic.accepted, meanwhile=process.assert_running)
    process.terminate()
    assert process.ended() == 0
    assert account.faults == {}
    assert account.repeated == {}
    assert len(process.said("broker connected")) == 1
    assert len(process.alarms()) <= MOST_ALARMS, process.stderr


@pytest.mark.servers("kafka")
def test_rabbitmq_restarted_loses_nothing(bridge: StartBridge, kafka: KafkaServer, rabbitmq_servers: Rabbits) -> None:
    """Stopped, then killed, in the middle of events: all that RabbitMQ accepted is there, by the same process."""
    topic, rabbitmq = Topic(kafka), rabbitmq_servers()
    process = bridge("run", "--from", rabbitmq.url, "--to", topic.url)
    process.wait_for("chain started")
    with Traffic(rabbitmq.url) as traffic:
        for times, end in enumerate((rabbitmq.stop, rabbitmq.kill), 1):
            traffic.add(EVENTS)
            topic.wait_for(times * EVENTS - EVENTS // 2, meanwhile=process.assert_running)
            end()
            process.wait_for("broker connection lost", times=times)
            rabbitmq.start()
            process.wait_for("broker connected", times=times + 1)
        traffic.wait()
        account = topic.account(traffic.accepted, meanwhile=process.assert_running)
    process.terminate()
    assert process.ended() == 0
    assert account.faults == {}
    assert process.summary()["gaps"] == 0
    assert len(process.said("broker connected")) == 3
    assert len(process.alarms()) <= 2 * MOST_ALARMS, process.stderr


@pytest.mark.servers("kafka", "rabbitmq")
def test_an_alarm_of_rabbitmq_is_said(
    bridge: StartBridge, kafka: KafkaServer, rabbitmq: RabbitServer, group: str
) -> None:
    """
    RabbitMQ out of memory blocks all workers, and tells publishers only. A bridge that may publish nothing says it all
    the same, and that it is over; it has published nothing.
    """
    topic = Topic(kafka)
    rabbitmq.ctl("add_user", group, "secret")
    rabbitmq.ctl("set_permissions", group, r"^celeryev\.bridge\.", r"^celeryev\.bridge\.", "^celeryev")
    with Traffic(rabbitmq.url) as traffic:
        traffic.add(1)  # so the exchange is there
        traffic.wait()
        process = bridge("run", "--from", rabbitmq.url_of(group, "secret"), "--group", group, "--to", topic.url)
        process.wait_for("chain started")
        try:
            rabbitmq.ctl("set_vm_memory_high_watermark", "absolute", "1")
            assert process.wait_for("broker blocks publishers")["reason"] == "low on memory"
        finally:
            rabbitmq.ctl("set_vm_memory_high_watermark", "absolute", "1GB")
        process.wait_for("broker no longer blocks publishers")
        traffic.add(10)
        traffic.wait()
        topic.wait_for(10, meanwhile=process.assert_running)
    process.terminate()
    assert process.ended() == 0
    assert process.summary()["received"] == process.summary()["delivered"] == 10
    assert len(process.alarms()) == 1, process.stderr
