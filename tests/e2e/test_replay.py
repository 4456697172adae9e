"""`replay` of recorded broker messages: what is an event becomes a record, and nothing else is lost."""

import base64
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from tests.captures import FILES, deliveries
from tests.e2e.bridge_process import StartBridge
from tests.e2e.topic import Topic
from tests.records import assert_record
from tests.servers.kafka import KafkaServer

SCHEMAS = {path.stem: json.loads(path.read_text()) for path in (Path(__file__).parents[2] / "schemas").glob("*.json")}
VALIDATORS = {name: jsonschema_rs.validator_for(schema) for name, schema in SCHEMAS.items()}


def is_valid(event: Any) -> bool:
    """Asked of the schema files themselves, not of the bridge."""
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        return False
    return VALIDATORS.get(event["type"], VALIDATORS["event"]).is_valid(event)


def repaired(value: Any) -> Any:
    """What JSON cannot say is said otherwise: a lone surrogate as U+FFFD, an integer beyond 64 bit as text."""
    if isinstance(value, dict):
        return {repaired(name): repaired(item) for name, item in value.items()}
    if isinstance(value, list):
        return [repaired(item) for item in value]
    if isinstance(value, str):
        return re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", value)
    return str(value) if type(value) is int and not -(2**63) <= value < 2**64 else value


def expected(path: Path) -> Iterator[tuple[bytes, list[dict[str, Any]], bool]]:
    """Each message of a file: its body, its valid events, and whether it holds anything else."""
    for _, delivery in deliveries(path):
        try:
            assert delivery.content_type == "application/json"
            body = repaired(json.loads(delivery.body, parse_constant=lambda _: None))
        except (AssertionError, ValueError):
            yield delivery.body, [], True
            continue
        events = body if isinstance(body, list) else [body]
        valid = [event for event in events if is_valid(event)]
        yield delivery.body, valid, len(valid) < len(events)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_message_becomes_records_or_a_dead_letter(bridge: StartBridge, path: Path) -> None:
    """
    One record for each valid event, in order and with its fields; one dead letter, with the bytes, for each message
    that holds anything else; and exit code 0 whatever it was.
    """
    process = bridge("replay", str(path))
    assert process.ended() == 0, process.stderr
    lines = [assert_record(line) for line in process.stdout.splitlines(keepends=True)]
    records = [line for line in lines if line["type"] != "bridge-dead-letter"]
    letters = [base64.b64decode(line["body_b64"]) for line in lines if line["type"] == "bridge-dead-letter"]

    messages = list(expected(path))
    sent = [event for _, events, _ in messages for event in events]
    assert [sender_fields(record, event) for record, event in zip(records, sent, strict=True)] == sent
    assert letters == [body for body, _, rest in messages if rest]
    assert_account(process.summary(), len(sent))
    assert process.alarms() == []


def sender_fields(record: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    """What the record holds under the event's own names, on top or in `extra`; for a null it may know better."""
    extra = record.get("extra", {})
    return {
        name: None if value is None else extra[name] if name in extra else record.get(name)
        for name, value in event.items()
    }


def assert_account(summary: dict[str, Any], delivered: int) -> None:
    """The identity of the accounts, at the end of a file that nothing held up."""
    assert summary["delivered"] == delivered
    assert summary["filtered"] == summary["unsettled"] == 0
    assert summary["received"] == summary["delivered"] + summary["dead_lettered"]


@pytest.mark.servers("kafka")
def test_into_kafka_it_is_the_same(bridge: StartBridge, kafka: KafkaServer) -> None:
    """With `--to kafka://...` the records are in the topic and the dead letters in the other, byte for byte."""
    path, topic = FILES[0], Topic(kafka)
    process = bridge("replay", str(path), "--to", topic.url)
    assert process.ended() == 0, process.stderr
    messages = list(expected(path))
    sent = Counter(event["type"] for _, events, _ in messages for event in events)
    assert Counter(record["type"] for record in topic.records()) == sent
    letters = [letter.value or b"" for letter in topic.dead_letters()]
    assert letters == [body for body, _, rest in messages if rest]
    assert_account(process.summary(), sent.total())
