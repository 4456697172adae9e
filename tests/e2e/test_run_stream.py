"""From a stream into Kafka, exactly once: where it begins, and what becomes of two bridges under one name."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from uuid import uuid4

import pytest

from tests.e2e.bridge_process import BridgeProcess, StartBridge
from tests.e2e.topic import Topic
from tests.ledger import numbered, publish
from tests.servers.kafka import KafkaServer
from tests.servers.rabbitmq import RabbitServer

pytestmark = pytest.mark.servers("kafka", "rabbitmq")


@pytest.fixture
def stream_group(rabbitmq: RabbitServer, group: str) -> Iterator[str]:
    """A group whose stream is deleted too."""
    yield group
    with suppress(OSError):
        rabbitmq.delete(f"celeryev.bridge.{group}.stream")


@pytest.fixture
def elsewhere(rabbitmq: RabbitServer) -> Iterator[str]:
    """The URL of another broker, as far as a bridge can tell: another virtual host."""
    name = f"e2e-{uuid4().hex[:12]}"
    rabbitmq.ctl("add_vhost", name)
    rabbitmq.ctl("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
    yield rabbitmq.url_of("guest", "guest", name)
    rabbitmq.ctl("delete_vhost", name)


def from_stream(rabbitmq: RabbitServer, url: str, group: str, topic: Topic, *options: str) -> tuple[str, ...]:
    """The arguments of a bridge."""
    ends = ("--from", f"{url}?stream_port={rabbitmq.stream_port}", "--to", topic.url)
    return ("run", *ends, "--queue-type", "stream", "--group", group, *options)


def events(first: int, last: int) -> list[bytes]:
    return [numbered(number) for number in range(first, last + 1)]


def seen(topic: Topic) -> Counter[int]:
    """How often each event is in the topic."""
    return Counter(record["clock"] for record in topic.records() if record["type"] != "bridge-gap")


def stop(process: BridgeProcess) -> None:
    process.terminate()
    assert process.ended() == 0


def test_start_goes_back_on_purpose(
    bridge: StartBridge, kafka: KafkaServer, rabbitmq: RabbitServer, stream_group: str
) -> None:
    """
    Whatever position Kafka holds, `--start oldest` goes to the beginning, from where each event is written once more,
    with the id it had; the next bridge without it goes on where that one ended.
    """
    topic = Topic(kafka)

    def deliver(wanted: Counter[int], *options: str) -> None:
        process = bridge(*from_stream(rabbitmq, rabbitmq.url, stream_group, topic, *options))
        process.wait_until(lambda: seen(topic) == wanted, what="what is wanted")
        stop(process)
        assert seen(topic) == wanted

    first = bridge(*from_stream(rabbitmq, rabbitmq.url, stream_group, topic))
    first.wait_for("chain started")
    publish(rabbitmq.url, events(1, 20))
    first.wait_until(lambda: len(seen(topic)) == 20, what="20 events")
    stop(first)
    once = Counter(range(1, 21))
    deliver(once + once, "--start", "oldest")
    publish(rabbitmq.url, events(21, 25))
    deliver(once + once + Counter(range(21, 26)))
    ids = {(record["clock"], record["event_id"]) for record in topic.records()}
    assert len(ids) == 25


def test_two_clusters_under_one_name_are_told(
    bridge: StartBridge, kafka: KafkaServer, rabbitmq: RabbitServer, stream_group: str, elsewhere: str
) -> None:
    """
    The one that came first ends by itself, with a reason and a remedy and without a trace of a fault; the other finds a
    position that its stream does not reach, says so in a gap, and reads everything.
    """
    topic = Topic(kafka)
    first = bridge(*from_stream(rabbitmq, rabbitmq.url, stream_group, topic))
    first.wait_for("chain started")
    publish(rabbitmq.url, events(1, 20))
    first.wait_until(lambda: len(seen(topic)) == 20, what="20 events")
    other = bridge(*from_stream(rabbitmq, elsewhere, stream_group, topic))
    other.wait_for("chain started")
    publish(elsewhere, events(101, 105))
    other.wait_until(lambda: len(seen(topic)) == 25, what="5 events of the other")
    publish(rabbitmq.url, events(21, 21))
    assert first.ended() == 1
    said = first.stderr.splitlines()[-1]
    assert f"another bridge writes to Kafka as celery-bridge.celery.{stream_group}" in said
    assert "--from LABEL=URL, --group" in said
    assert "Traceback" not in first.stderr
    stop(other)
    assert seen(topic) == Counter([*range(1, 21), *range(101, 106)])
    gaps = [record for record in topic.records() if record["type"] == "bridge-gap"]
    assert [gap["reason"] for gap in gaps] == ["stream-replaced"], json.dumps(gaps)
