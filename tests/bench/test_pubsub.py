"""Claims about what the benchmark publishes to Redis."""

import json
from base64 import b64decode
from itertools import islice

from tests.bench.load import messages
from tests.bench.pubsub import channel, chunks, envelope
from tests.captures import DIRECTORY


def test_an_envelope_is_what_kombu_sends() -> None:
    """The same names at every level, with the same fixed values, as in the captures; the body is the event's text."""
    captured = json.loads((DIRECTORY / "redis-celery-5.6.x.jsonl").read_bytes().splitlines()[0])
    (message,) = islice(messages("single", 1), 1)
    made = json.loads(envelope(message))
    assert b64decode(made["body"]) == message.body
    assert {"content-type", "content-encoding", "headers", "properties", "body"} == set(made)
    assert made["content-type"] == captured["content_type"]
    assert made["content-encoding"] == captured["content_encoding"]
    assert set(made["headers"]) == set(captured["headers"])
    fixed = {"delivery_info": {"exchange": "celeryev", "routing_key": message.routing_key}}
    fixed["delivery_tag"] = made["properties"]["delivery_tag"]
    assert made["properties"] == captured["properties"] | fixed


def test_a_channel_is_named_as_kombu_names_it() -> None:
    """Of database 0, routing key at the end."""
    captured = json.loads((DIRECTORY / "redis-celery-5.6.x.jsonl").read_bytes().splitlines()[0])
    assert channel(captured["delivery_info"]["routing_key"]).decode() == captured["redis_channel"]


def test_chunks_hold_every_message_once() -> None:
    """The events and commands that they say they hold."""
    published = list(messages("mix", 3000))
    made = chunks(published)
    assert sum(events for events, _, _ in made) == 3000
    assert sum(commands for _, commands, _ in made) == len(published)
    assert b"".join(data for _, _, data in made).count(b"$7\r\nPUBLISH\r\n") == len(published)
