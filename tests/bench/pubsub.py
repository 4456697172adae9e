"""Publishes to Redis what kombu would, as fast as a contender brings it to Kafka: Redis itself keeps nothing."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Callable, Sequence
from uuid import uuid4

from bridge.clients.queue import EXCHANGE
from tests.bench.load import Message
from tests.servers.redis import RedisServer

WINDOW_EVENTS = 20_000
"""Published and not yet in Kafka, at most: many times what a round trip holds, and some 15 MB, so that whoever bounds
its memory drops nothing."""

_CHUNK_EVENTS = 500
_LOOK_SECONDS = 0.005
_SUBSCRIBED_WITHIN_SECONDS = 60.0


def envelope(message: Message) -> bytes:
    """The text that kombu's Redis transport publishes (kombu.transport.virtual, 5.6: the same fields in that order)."""
    return json.dumps(
        {
            "body": b64encode(message.body).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {"hostname": message.hostname},
            "properties": {
                "delivery_mode": 1,
                "delivery_info": {"exchange": EXCHANGE, "routing_key": message.routing_key},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": str(uuid4()),
            },
        }
    ).encode()


def channel(routing_key: str) -> bytes:
    """Of database 0, with kombu's defaults (fanout_prefix, fanout_patterns)."""
    return f"/0.{EXCHANGE}/{routing_key}".encode()


def chunks(messages: Sequence[Message]) -> list[tuple[int, int, bytes]]:
    """The messages as pipelined PUBLISH commands: (events, commands, bytes) of some hundred events each."""
    made, parts, events, commands = [], [], 0, 0
    for message in messages:
        name, text = channel(message.routing_key), envelope(message)
        parts.append(b"*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(name), name, len(text), text))
        events, commands = events + message.events, commands + 1
        if events >= _CHUNK_EVENTS:
            made.append((events, commands, b"".join(parts)))
            parts, events, commands = [], 0, 0
    if parts:
        made.append((events, commands, b"".join(parts)))
    return made


async def subscribed(server: RedisServer) -> None:
    """
    Wait until somebody subscribes to events.

    Raises:
        TimeoutError: nobody does.
    """
    with server.client() as client:
        async with asyncio.timeout(_SUBSCRIBED_WITHIN_SECONDS):
            while not client.pubsub_numpat() and not client.pubsub_channels():  # noqa: ASYNC110 - nobody tells us
                await asyncio.sleep(_LOOK_SECONDS)


async def publish(server: RedisServer, commands: Sequence[tuple[int, int, bytes]], in_kafka: Callable[[], int]) -> int:
    """
    Send all of it, never more than the window ahead of Kafka; how many messages no subscriber took.

    Args:
        in_kafka: events that Kafka has, now.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    published = missed = 0
    try:
        for events, count, data in commands:
            while published - in_kafka() >= WINDOW_EVENTS:  # noqa: ASYNC110 - nor here
                await asyncio.sleep(_LOOK_SECONDS)
            writer.write(data)
            published += events
            for _ in range(count):
                missed += (await reader.readline()) == b":0\r\n"
    finally:
        writer.close()
        await writer.wait_closed()
    return missed
