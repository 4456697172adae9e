"""`run` from a real RabbitMQ to a real Kafka, with nothing broken."""

import json
import time
from typing import Any

import pytest

from tests.e2e.bridge_process import StartBridge
from tests.e2e.topic import Topic
from tests.e2e.traffic import Traffic
from tests.ledger import Publisher, account_for, numbered
from tests.records import assert_record
from tests.servers.kafka import KafkaServer
from tests.servers.rabbitmq import RabbitServer

pytestmark = pytest.mark.servers("kafka", "rabbitmq")

EVENTS = 3000

HEARTBEAT = {"hostname": "w@test", "utcoffset": 0, "pid": 2, "timestamp": 1.5, "type": "worker-heartbeat", "freq": 2.0,
             "active": 0, "processed": 0, "loadavg": [0.1, 0.1, 0.1], "sw_ident": "py-celery", "sw_ver": "5.6.0",
             "sw_sys": "Linux"}  # fmt: skip
FILTERED = json.dumps([HEARTBEAT | {"clock": clock} for clock in (1, 2, 3)])

# Body, what else it is sent with, and what the dead letter says: reason, failed indexes.
BAD: list[tuple[bytes, dict[str, Any], str, bytes | None]] = [
    (b"\x80\x04\x95 no json \xff\x00", {}, "decode", None),
    (b"\x80\x04K\x01.", {"content_type": "application/x-python-serialize", "content_encoding": "binary"},
     "content-type", None),
    (b'"only text"', {}, "shape", b"[0]"),
    (b'{"type": "task-started", "uuid": 7}', {"headers": {"tenant": "blue"}}, "schema", b"[0]"),
    (b"", {}, "decode", None),
]  # fmt: skip
HALF_GOOD = b"[" + numbered(EVENTS) + b', {"no": "type"}, ' + numbered(EVENTS + 1) + b", null]"


def send_bad(url: str) -> None:
    """HALF_GOOD comes last: when its records are in the topic all the others were read, whatever became of them."""
    with Publisher(url) as publisher:
        for body, properties, _, _ in BAD:
            publisher.send(body, routing_key="worker.odd", **properties)
        publisher.send(FILTERED.encode())
        publisher.send(b"[]")
        publisher.send(HALF_GOOD)


def header(message: Any, name: str) -> bytes | None:
    return dict(message.headers).get(name)


def test_every_event_arrives_and_is_accounted_for(
    bridge: StartBridge, kafka: KafkaServer, rabbitmq: RabbitServer, group: str
) -> None:
    """
    Good events, in lists or alone, are in the topic once; bad bodies in the dead letters, untouched; nothing is left on
    the queue, and the summary's account closes.
    """
    topic = Topic(kafka)
    process = bridge(
        "run", "--from", rabbitmq.url, "--group", group, "--to", topic.url, "--not-type", "worker-*"
    )  # fmt: skip
    process.wait_for("chain started")
    with Traffic(rabbitmq.url) as traffic:
        traffic.add(EVENTS)
        traffic.wait()
    send_bad(rabbitmq.url)
    topic.wait_for(EVENTS + 2)
    process.terminate()
    assert process.ended() == 0

    messages = topic.messages()
    records = [assert_record(message.value) for message in messages]
    good = [record for record in records if record["clock"] < EVENTS]
    assert account_for(traffic.accepted, good).faults == {}
    assert len(good) == EVENTS
    assert sorted(record["clock"] for record in records if record["clock"] >= EVENTS) == [EVENTS, EVENTS + 1]
    assert_as_promised(messages)
    assert_dead_letters(topic)
    rabbitmq.wait_for_depth(f"celeryev.bridge.{group}", 0)

    summary = process.summary()
    assert summary["received"] == EVENTS + len(BAD) + 4 + 3
    assert summary["delivered"] == EVENTS + 2
    assert summary["dead_lettered"] == len(BAD) + 2
    assert summary["filtered"] == 3
    assert summary["unsettled"] == 0
    assert summary["gaps"] == summary["redelivered"] == 0
    assert process.alarms() == []
    assert process.stdout == b""


def assert_as_promised(messages: list[Any]) -> None:
    """The key is the task, the headers are those of CloudEvents, and each task's events lie in one partition."""
    for message in messages:
        record = json.loads(message.value)
        assert message.key == record["uuid"].encode()
        assert header(message, "ce_id") == record["event_id"].encode()
        assert header(message, "ce_type") == b"dev.celeryq.task-started"
        assert header(message, "content-type") == b"application/json"
    assert len({message.partition for message in messages}) == 6


def assert_dead_letters(topic: Topic) -> None:
    """One for each delivery that held anything wrong: the broker's bytes, and why."""
    letters = {message.value or b"": message for message in topic.dead_letters()}
    assert len(letters) == len(topic.dead_letters()) == len(BAD) + 1
    for body, properties, reason, indexes in BAD:
        letter = letters[body]
        assert header(letter, "celery.errors.reason") == reason.encode()
        assert header(letter, "celery.errors.indexes") == indexes
        assert header(letter, "routing_key") == b"worker.odd"
        assert header(letter, "content_type") == str(properties.get("content_type", "application/json")).encode()
        if "headers" in properties:
            assert json.loads(header(letter, "headers") or b"") == properties["headers"]
    assert header(letters[HALF_GOOD], "celery.errors.reason") == b"shape"
    assert header(letters[HALF_GOOD], "celery.errors.indexes") == b"[1,3]"


def test_limit_stops_after_so_many_events(
    bridge: StartBridge, kafka: KafkaServer, rabbitmq: RabbitServer, group: str
) -> None:
    """`--limit N` delivers N events, exits 0, and leaves the other deliveries with the broker for the next run."""
    topic = Topic(kafka)
    ends = ("run", "--from", rabbitmq.url, "--group", group, "--to", topic.url)
    first = bridge(*ends, "--limit", "25")
    first.wait_for("chain started")
    with Publisher(rabbitmq.url) as publisher:
        for number in range(100):
            publisher.send_numbered(number)
    assert first.ended() == 0
    assert len(topic.records()) == first.summary()["delivered"] == 25
    assert bridge(*ends, "--limit", "75").ended() == 0
    assert account_for(publisher.accepted, topic.records()).faults == {}
    assert len(topic.records()) == 100


def test_duration_stops_after_so_many_seconds(
    bridge: StartBridge, kafka: KafkaServer, rabbitmq: RabbitServer, group: str
) -> None:
    """`--duration S` ends it by itself, drained, with exit code 0: an event is in the topic, or on the queue still."""
    topic = Topic(kafka)
    ends = ("run", "--from", rabbitmq.url, "--group", group, "--to", topic.url)
    first = bridge(*ends, "--limit", "1")
    first.wait_for("chain started")
    with Publisher(rabbitmq.url) as publisher:
        for number in range(100):
            publisher.send_numbered(number)
    assert first.ended() == 0
    began = time.monotonic()
    second = bridge(*ends, "--duration", "3")
    assert second.ended() == 0
    assert time.monotonic() - began > 3
    assert second.summary()["unsettled"] == 0
    assert len(topic.records()) == 1 + second.summary()["delivered"]
    rabbitmq.wait_for_depth(f"celeryev.bridge.{group}", 99 - second.summary()["delivered"])  # 0, unless it had no time
