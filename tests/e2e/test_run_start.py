"""How `run` begins when something is missing or refused: waited for and named, or with --fail-fast an exit code."""

import pytest

from tests.e2e.bridge_process import StartBridge
from tests.e2e.topic import Topic
from tests.e2e.traffic import Traffic
from tests.servers.kafka import KafkaServer
from tests.servers.rabbitmq import RabbitServer

pytestmark = pytest.mark.servers("kafka", "rabbitmq")

NOWHERE = "127.0.0.1:1"
"""Nobody listens on port 1."""
AT_ONCE_SECONDS = 15
"""For an end that waits for nothing, on a busy machine; whoever waits takes three quarters of the grace, 18.75 s."""


def test_a_missing_topic_is_named_and_waited_for(
    bridge: StartBridge, kafka: KafkaServer, rabbitmq: RabbitServer, group: str
) -> None:
    """Both missing topics stand in the log; what was sent meanwhile arrives as soon as they are made."""
    topic = Topic(kafka, create=False)
    process = bridge("run", "--from", rabbitmq.url, "--group", group, "--to", topic.url)
    assert f"{topic.name}, {topic.name}.dlq" in process.wait_for("waiting for kafka")["reason"]
    with Traffic(rabbitmq.url) as traffic:
        traffic.add(500)
        traffic.wait()
    topic.create()
    account = topic.account(traffic.accepted, meanwhile=process.assert_running)
    process.terminate()
    assert process.ended() == 0
    assert account.faults == {}
    assert account.repeated == {}


def test_create_topics_makes_both(bridge: StartBridge, kafka: KafkaServer, rabbitmq: RabbitServer, group: str) -> None:
    """With `--create-topics` the first run needs no preparation."""
    topic = Topic(kafka, create=False)
    process = bridge("run", "--from", rabbitmq.url, "--group", group, "--to", topic.url, "--create-topics")
    process.wait_for("chain started")
    with Traffic(rabbitmq.url) as traffic:
        traffic.add(50)
        traffic.wait()
        account = topic.account(traffic.accepted, meanwhile=process.assert_running)
    process.terminate()
    assert process.ended() == 0
    assert account.faults == {}
    assert topic.dead_letters() == []


def test_stopped_while_waiting_it_ends_at_once(bridge: StartBridge) -> None:
    """With neither end there, SIGTERM ends it with 0: nothing was read, nothing is unsettled."""
    process = bridge("run", "--from", f"amqp://{NOWHERE}", "--to", f"kafka://{NOWHERE}/events")
    process.wait_for("broker not reached, trying again")
    process.terminate()
    assert process.ended(within=AT_ONCE_SECONDS) == 0
    assert process.summary()["received"] == 0


def test_stopped_while_kafka_is_away_it_ends_at_once(bridge: StartBridge, rabbitmq: RabbitServer, group: str) -> None:
    """The same when only RabbitMQ is there."""
    process = bridge("run", "--from", rabbitmq.url, "--group", group, "--to", f"kafka://{NOWHERE}/events")
    process.wait_for("waiting for kafka")
    process.terminate()
    assert process.ended(within=AT_ONCE_SECONDS) == 0


def test_fail_fast_without_rabbitmq_is_69(bridge: StartBridge, kafka: KafkaServer) -> None:
    """The message names the broker that cannot be reached."""
    process = bridge("run", "--from", f"amqp://{NOWHERE}", "--to", Topic(kafka, create=False).url, "--fail-fast")
    assert process.ended() == 69
    assert NOWHERE in process.log[-1]["said"]


def test_fail_fast_without_kafka_is_69(bridge: StartBridge, rabbitmq: RabbitServer, group: str) -> None:
    """The message names the server that cannot be reached."""
    to = f"kafka://{NOWHERE}/events"
    process = bridge("run", "--from", rabbitmq.url, "--group", group, "--to", to, "--fail-fast")
    assert process.ended() == 69
    assert NOWHERE in process.log[-1]["said"]


def test_fail_fast_without_a_topic_is_78(
    bridge: StartBridge, kafka: KafkaServer, rabbitmq: RabbitServer, group: str
) -> None:
    """The message names the topics that are missing."""
    topic = Topic(kafka, create=False)
    process = bridge("run", "--from", rabbitmq.url, "--group", group, "--to", topic.url, "--fail-fast")
    assert process.ended() == 78
    assert f"{topic.name}, {topic.name}.dlq" in process.log[-1]["said"]


def test_fail_fast_with_a_wrong_password_is_77(bridge: StartBridge, kafka: KafkaServer, rabbitmq: RabbitServer) -> None:
    """RabbitMQ's refusal is told, the password is not."""
    url = rabbitmq.url_of("guest", "not-the-password")
    process = bridge("run", "--from", url, "--to", Topic(kafka, create=False).url, "--fail-fast")
    assert process.ended() == 77
    assert "refused" in process.log[-1]["said"]
    assert "not-the-password" not in process.stderr


def test_a_user_that_comes_later_is_waited_for(
    bridge: StartBridge, kafka: KafkaServer, rabbitmq: RabbitServer, group: str
) -> None:
    """Without --fail-fast refused credentials are no end: they may be on their way to the broker."""
    topic = Topic(kafka)
    process = bridge("run", "--from", rabbitmq.url_of(group, "s3cret"), "--group", group, "--to", topic.url)
    process.wait_for("broker not reached, trying again")
    rabbitmq.ctl("add_user", group, "s3cret")
    rabbitmq.ctl("set_permissions", group, ".*", ".*", ".*")
    process.wait_for("chain started")
    process.terminate()
    assert process.ended() == 0
    rabbitmq.ctl("delete_user", group)
