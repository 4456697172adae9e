"""What a real Celery worker and its client say, as it arrives in Kafka."""

from collections import defaultdict
from typing import Any

import pytest

from tests.celeryapp import Worker, add, app, deliver, fail, pay, send
from tests.e2e.bridge_process import StartBridge
from tests.e2e.topic import Topic
from tests.servers.kafka import KafkaServer
from tests.servers.rabbitmq import RabbitServer

pytestmark = pytest.mark.servers("kafka", "rabbitmq")

ATTEMPT = ["task-received", "task-started"]
DURATIONS = {"queue_seconds", "prefetch_seconds", "runtime", "total_seconds"}


def test_end_events_know_what_celery_leaves_out(
    bridge: StartBridge, kafka: KafkaServer, rabbitmq: RabbitServer, group: str
) -> None:
    """
    A task that succeeds, one that fails, one that is retried: each event is a record, and the last of a task has its
    name, arguments, state and durations. The worker and the user's own event are there.
    """
    topic = Topic(kafka)
    process = bridge("run", "--from", f"prod={rabbitmq.url}", "--group", group, "--to", topic.url)
    process.wait_for("chain started")
    app.conf.broker_url = rabbitmq.url  # sent before there is a worker: else its task-received may be the earlier event
    added, failed, delivered, _ = send(add, 20, 22), send(fail, "no money"), send(deliver, "P1"), send(pay, 7)
    with Worker(rabbitmq.url):
        ends = {"task-succeeded": 3, "task-failed": 1}
        process.wait_until(lambda: count(topic, ends) == ends, what="the ends of four tasks in Kafka")
    process.wait_until(lambda: "worker-offline" in count(topic), what="the worker's farewell in Kafka")
    process.terminate()
    assert process.ended() == 0

    records = topic.records()
    tasks: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        tasks[record.get("uuid", "")].append(record)
    assert told(tasks[added]) == (1, [*ATTEMPT, "task-succeeded"])
    assert told(tasks[failed]) == (1, [*ATTEMPT, "task-failed"])
    sendings, retried = told(tasks[delivered])
    assert (sendings, sorted(retried)) == (2, sorted([*ATTEMPT, "task-retried", *ATTEMPT, "task-succeeded"]))
    assert_knows(tasks[added][-1], name="sums.add", args="(20, 22)", state="SUCCESS", result="42", retries=0)
    assert_knows(tasks[failed][-1], name="sums.fail", args="('no money',)", state="FAILURE", retries=0)
    assert "ValueError('no money')" in tasks[failed][-1]["exception"]
    assert_knows(tasks[delivered][-1], name="parcels.deliver", args="('P1',)", state="SUCCESS", retries=1)
    assert {record["extra"]["order"] for record in records if record["type"] == "order-paid"} == {7}
    assert {record["cluster"] for record in records} == {"prod"}
    assert topic.dead_letters() == []
    assert process.summary()["delivered"] == len(records)
    assert process.alarms() == []


def told(records: list[dict[str, Any]]) -> tuple[int, list[str]]:
    """
    How often the task was sent, and what its worker said, in order.

    Who sends has no order with the worker, and a worker receives a retry while it says that there is one.
    """
    types = [record["type"] for record in records]
    return types.count("task-sent"), [one for one in types if one != "task-sent"]


def count(topic: Topic, kinds: dict[str, int] | None = None) -> dict[str, int]:
    """How many records of each type, or of these types only, are in the topic."""
    found: dict[str, int] = defaultdict(int)
    for record in topic.records():
        if kinds is None or record["type"] in kinds:
            found[record["type"]] += 1
    return dict(found)


def assert_knows(record: dict[str, Any], **fields: Any) -> None:
    """
    The record holds these fields, and how long each step of the task took.

    A retry is told by the worker that receives it: one that was received in the moment before has waited for no time.
    """
    durations = DURATIONS - {"queue_seconds"} if record["retries"] and "queue_seconds" not in record else DURATIONS
    assert {name: record.get(name) for name in fields} == fields
    assert record.keys() >= durations, f"{durations - record.keys()} in {record}"
    assert all(record[name] >= 0 for name in durations)
    assert record["total_seconds"] >= record["runtime"]
    assert {"name", "args"} <= set(record["enriched"])
    assert "state_complete" not in record
