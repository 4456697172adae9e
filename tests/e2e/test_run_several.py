"""More than one of everything: sources in one process, and processes on one queue."""

from pathlib import Path

import pytest

from tests.e2e.bridge_process import StartBridge
from tests.e2e.topic import Topic
from tests.e2e.traffic import Traffic
from tests.ledger import Publisher, account_for
from tests.servers.kafka import KafkaServer
from tests.servers.rabbitmq import RabbitServer
from tests.servers.redis import RedisServer

pytestmark = pytest.mark.servers("kafka", "rabbitmq", "redis")


def test_two_clusters_go_into_one_topic(
    bridge: StartBridge, kafka: KafkaServer, rabbitmq: RabbitServer, redis: RedisServer, group: str, tmp_path: Path
) -> None:
    """Each record names its cluster, each cluster has an account of its own, and nothing is lost by SIGTERM."""
    topic, config = Topic(kafka), tmp_path / "bridge.toml"
    config.write_text(
        f'to = "{topic.url}"\n[from.shop]\nurl = "{rabbitmq.url}"\ngroup = "{group}"\n[from.eu]\nurl = "{redis.url}"\n'
    )
    process = bridge("run", "--config", str(config))
    process.wait_for("chain started", times=2)
    with Publisher(rabbitmq.url) as shop, Publisher(redis.url) as eu:
        for number in range(300):
            shop.send_numbered(number)
            eu.send_numbered(1000 + number)
    topic.wait_for(600, meanwhile=process.assert_running)
    process.terminate()
    assert process.ended() == 0
    records = topic.records()
    for label, publisher in (("shop", shop), ("eu", eu)):
        mine = [record for record in records if record["cluster"] == label]
        account = account_for(publisher.accepted, mine)
        assert account.faults == {}
        assert account.repeated == {}
    summaries = {line["cluster"]: line for line in process.said("summary")}
    assert {label: line["delivered"] for label, line in summaries.items()} == {"shop": 300, "eu": 300}


def test_a_standby_takes_over(bridge: StartBridge, kafka: KafkaServer, rabbitmq: RabbitServer, group: str) -> None:
    """Of two bridges of a group one reads; when it is killed the other goes on, and nothing is lost."""
    topic = Topic(kafka)
    ends = ("run", "--from", rabbitmq.url, "--group", group, "--to", topic.url)
    first = bridge(*ends)
    first.wait_for("chain started")
    second = bridge(*ends)
    second.wait_for("chain started")
    with Traffic(rabbitmq.url) as traffic:
        traffic.add(4000)
        topic.wait_for(1500, meanwhile=first.assert_running)
        first.kill()
        traffic.add(1000)
        traffic.wait()
        account = topic.account(traffic.accepted, meanwhile=second.assert_running)
    second.terminate()
    assert second.ended() == 0
    assert account.faults == {}
    assert 1000 <= second.summary()["delivered"] <= 5000  # what came later, and of the rest what was not settled
