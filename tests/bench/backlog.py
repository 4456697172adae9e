"""
Publishes a backlog, each message confirmed by RabbitMQ: what is not confirmed a quorum queue may lose.

Each node has a connection, as Celery's have, and a thousand messages or two of all nodes are written at once. What a
broker finds at once it writes at once: so the chunks of a stream become as large as those of a cluster that is busy.
They are small where one client publishes one message after the other (of one channel, RabbitMQ takes some 250 before it
waits for the stream), and each costs the broker and its reader as much as a large one.
"""

import contextlib
import itertools
import socket
from collections.abc import Iterable, Sequence
from functools import lru_cache
from struct import Struct
from typing import Any

from amqp import Connection
from amqp import Message as AmqpMessage
from pamqp import commands, frame, header

from bridge.clients.queue import BINDING, EXCHANGE
from tests.bench.contenders import Contender
from tests.bench.load import Message
from tests.servers.rabbitmq import RabbitServer

_AT_ONCE = 2000
_UNCONFIRMED = 10_000  # messages on their way: RabbitMQ confirms those of a quorum queue in batches
# RabbitMQ stops reading while it writes what it has: py-amqp would have the connection cut after a second of that.
_PATIENT = {socket.TCP_USER_TIMEOUT: 60_000}  # ms
_BODY = Struct(">BHI")  # a frame's kind, channel and size
_BODY_KIND = 3
_END = b"\xce"
_SIZE_AT = 11  # of the body, in a frame of a header: behind kind, channel, size, class and weight
_SIZE = Struct(">Q")


def declare(server: RabbitServer, contender: Contender) -> None:
    """Make a contender's queue anew and empty, bound to Celery's exchange."""
    with server.connect() as connection:
        channel: Any = connection.channel()
        channel.exchange_declare(EXCHANGE, "topic", durable=True, auto_delete=False)
        channel.queue_delete(contender.queue)
        channel.queue_declare(contender.queue, durable=True, auto_delete=False, arguments=dict(contender.arguments()))
        channel.queue_bind(contender.queue, EXCHANGE, BINDING)


def fill(server: RabbitServer, messages: Iterable[Message]) -> None:
    """
    Publish as Celery does (transient, JSON), each node over a connection of its own; returns when RabbitMQ has
    confirmed all of it. A node's messages stay in order; those of two nodes may pass each other.

    Raises:
        OSError, amqp.exceptions.AMQPError: a connection is lost, or RabbitMQ is silent for 30 s.
    """
    with contextlib.ExitStack() as stack:
        nodes: dict[str, _Node] = {}
        left = iter(messages)
        while some := list(itertools.islice(left, _AT_ONCE)):
            for hostname in {one.hostname: None for one in some}:
                if hostname not in nodes:
                    nodes[hostname] = _Node(stack.enter_context(server.connect(socket_settings=_PATIENT)))
                nodes[hostname].publish([one for one in some if one.hostname == hostname])
            for node in nodes.values():
                node.wait(_UNCONFIRMED // len(nodes))
        for node in nodes.values():
            node.wait(0)


class _Node:
    """A client or worker: a connection, and what RabbitMQ has not confirmed of what it published."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._channel: Any = connection.channel()
        self._channel.confirm_select()
        self._channel.events["basic_ack"].add(self._on_ack)
        self._tags = itertools.count(1)
        self._waiting: dict[int, None] = {}  # in order, as tags are

    def publish(self, messages: Sequence[Message]) -> None:
        """In one write to the socket."""
        self._connection.transport.write(b"".join([frames(one, self._channel.channel_id) for one in messages]))
        self._waiting.update((next(self._tags), None) for _ in messages)

    def wait(self, most: int) -> None:
        """Until no more than `most` are unconfirmed."""
        while len(self._waiting) > most:
            self._connection.drain_events(timeout=30)

    def _on_ack(self, tag: int, multiple: bool) -> None:
        self._waiting.pop(tag, None)
        while multiple and self._waiting and (first := next(iter(self._waiting))) < tag:
            del self._waiting[first]


def frames(message: Message, channel: int) -> bytes:
    """A message as AMQP 0-9-1 publishes it: method, header, and a body that fits into one frame."""
    method, head = _method(message.routing_key, channel), _header(message.hostname, channel)
    size = len(message.body)
    sized = head[:_SIZE_AT] + _SIZE.pack(size) + head[_SIZE_AT + _SIZE.size :]
    return b"".join((method, sized, _BODY.pack(_BODY_KIND, channel, size), message.body, _END))


@lru_cache
def _method(routing_key: str, channel: int) -> bytes:
    return frame.marshal(commands.Basic.Publish(exchange=EXCHANGE, routing_key=routing_key), channel)


@lru_cache
def _header(hostname: str, channel: int) -> bytes:
    """Of a message without a body."""
    properties = commands.Basic.Properties(
        content_type="application/json", content_encoding="utf-8", delivery_mode=1, headers={"hostname": hostname}
    )
    return frame.marshal(header.ContentHeader(properties=properties), channel)


def amqp_message(message: Message) -> AmqpMessage:
    """As Celery publishes it: transient, JSON, the node's name in the headers."""
    return AmqpMessage(
        message.body,
        content_type="application/json",
        content_encoding="utf-8",
        delivery_mode=1,
        application_headers={"hostname": message.hostname},
    )
