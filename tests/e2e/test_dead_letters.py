"""Dead letters on a real Kafka: shown, sent again, and kept elsewhere."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.bridge_process import BridgeProcess, StartBridge
from tests.e2e.topic import Topic
from tests.ledger import numbered
from tests.records import assert_record
from tests.servers.kafka import KafkaServer
from tests.topics import make_topics, new_topic_name, read_topic

pytestmark = pytest.mark.servers("kafka")

PAID = {"type": "order-paid", "hostname": "h", "timestamp": 1_800_000_000.5, "pid": 1, "clock": 1, "utcoffset": 0}
"""Of a type of the user's own, whose amount the first schema takes for a number."""

FIRST = {"properties": {"amount": {"type": "number"}}}
FIXED = {"properties": {"amount": {"type": ["number", "string"]}}}


def schemas(folder: Path, schema: dict[str, Any]) -> str:
    """A directory with this schema for order-paid."""
    folder.mkdir()
    (folder / "order-paid.json").write_text(json.dumps(schema))
    return str(folder)


def done(process: BridgeProcess) -> BridgeProcess:
    """Ended with 0."""
    assert process.ended() == 0, process.stderr
    return process


def sent_again(process: BridgeProcess) -> dict[str, int]:
    """What a replay says at its end."""
    (said,) = process.said("dead letters sent again")
    return {name: said[name] for name in ("letters", "events", "went_through", "failed_again", "cut")}


def test_what_a_fixed_schema_accepts_goes_through(bridge: StartBridge, kafka: KafkaServer, tmp_path: Path) -> None:
    """
    `dlq show` counts what failed; with another schema `dlq replay` delivers exactly that, also a second time, with the
    same ids; what is still wrong stays where it is.
    """
    topic, source = Topic(kafka), tmp_path / "in.jsonl"
    paid = [{**PAID, "clock": clock, "amount": amount} for clock, amount in enumerate((1, "2", 3, "4", "5"))]
    lines = [json.dumps(paid[:3]), json.dumps(paid[3]), "nonsense", json.dumps(paid[4])]
    source.write_text("\n".join(lines))
    done(bridge("replay", f"shop={source}", "--to", topic.url, "--schemas", schemas(tmp_path / "first", FIRST)))
    assert [record["clock"] for record in topic.records()] == [0, 2]

    shown = done(bridge("dlq", "show", topic.url + ".dlq", "--json"))
    groups = [json.loads(line) for line in shown.stdout.splitlines()]
    assert [(one["reason"], one["events"], one.get("path")) for one in groups] == [
        ("schema", 3, "/amount"), ("decode", 1, None),
    ]  # fmt: skip
    assert groups[0]["cluster"] == "shop"
    assert groups[0]["examples"] == [f"{topic.name}.dlq-0@{offset}" for offset in (0, 1, 3)]

    fixed = schemas(tmp_path / "fixed", FIXED)
    for _ in range(2):
        again = done(bridge("dlq", "replay", topic.url + ".dlq", "--to", topic.url, "--schemas", fixed))
        assert sent_again(again) == {"letters": 4, "events": 4, "went_through": 3, "failed_again": 1, "cut": 0}
    records = topic.records()
    assert sorted(record["clock"] for record in records) == [0, 1, 1, 2, 3, 3, 4, 4]
    assert {record["cluster"] for record in records} == {"shop"}
    assert len({record["event_id"] for record in records}) == 5
    assert len(topic.dead_letters()) == 4


def test_what_was_cut_is_said(bridge: StartBridge, kafka: KafkaServer, tmp_path: Path) -> None:
    """A body that the topics could not hold is kept in part: it cannot be sent again, and that is no failure."""
    topic, source = Topic(kafka, create=False), tmp_path / "in.jsonl"
    asyncio.run(make_topics(kafka.bootstrap, topic.name, settings={"max.message.bytes": "20000"}))
    large = json.dumps(json.loads(numbered(1)) | {"padding": "x" * 30_000})
    source.write_text(f"{large}\nnonsense\n")
    done(bridge("replay", str(source), "--to", topic.url))

    assert b"1 of them cut" in done(bridge("dlq", "show", topic.url + ".dlq")).stdout
    again = done(bridge("dlq", "replay", topic.url + ".dlq"))
    assert sent_again(again) == {"letters": 2, "events": 1, "went_through": 0, "failed_again": 1, "cut": 1}
    (warned,) = again.said("dead letters whose body was cut cannot be sent again")
    assert warned["where"][0].startswith(f"{topic.name}.dlq-0@")


def test_a_missing_topic_is_an_error(bridge: StartBridge, kafka: KafkaServer) -> None:
    """Said in one line, with the exit code of a wrong configuration."""
    process = bridge("dlq", "show", Topic(kafka, create=False).url)
    assert process.ended() == 78
    assert "there is no Kafka topic" in process.log[-1]["said"]


@pytest.mark.parametrize("where", ["topic", "file"])
def test_dead_letters_go_elsewhere(bridge: StartBridge, kafka: KafkaServer, tmp_path: Path, where: str) -> None:
    """
    With `--dead-letters` the topic needs no `.dlq`; what is no event, and what Kafka refuses, is in the other place.
    """
    topic, source, letters = Topic(kafka, create=False), tmp_path / "in.jsonl", new_topic_name()
    asyncio.run(make_topics(kafka.bootstrap, topic.name, settings={"max.message.bytes": "20000"}))
    large = json.dumps(json.loads(numbered(1)) | {"padding": "x" * 30_000})
    source.write_text(f"{large}\nnonsense\n{numbered(2).decode()}\n")
    asyncio.run(make_topics(kafka.bootstrap, letters))
    path = tmp_path / "dead.jsonl"
    place = f"kafka://{kafka.bootstrap}/{letters}" if where == "topic" else f"file:{path}"
    process = done(bridge("replay", str(source), "--to", topic.url, "--dead-letters", place))

    assert [record["clock"] for record in topic.records()] == [2]
    assert topic.dead_letters() == []
    if where == "topic":
        found = asyncio.run(read_topic(kafka.bootstrap, letters))
        reasons = {dict(one.headers)["celery.errors.reason"].decode(): one.value for one in found}
        assert reasons["decode"] == b"nonsense"
        assert json.loads(reasons["sink"])["clock"] == 1
    else:
        lines = [assert_record(line) for line in path.read_bytes().splitlines(keepends=True)]
        assert sorted(line["reason"] for line in lines) == ["decode", "sink"]
    summary = process.summary()
    assert (summary["received"], summary["delivered"], summary["dead_lettered"]) == (3, 1, 2)
