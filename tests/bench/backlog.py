"""
Publishes a backlog, each message confirmed by RabbitMQ: what is not confirmed a quorum queue may lose.

A thousand messages are one write to the socket. What a broker finds there at once it writes at once: so the chunks of a
stream become as large as those of a cluster that is busy. They are small where a client in Python publishes one message
after the other, and each costs the broker and its reader as much as a large one.
"""

import itertools
import socket
from collections.abc import Iterable
from functools import lru_cache
from struct import Struct
from typing import Any

from amqp import Message as AmqpMessage
from pamqp import commands, frame, header

from bridge.clients.queue import BINDING, EXCHANGE
from tests.bench.contenders import Contender
from tests.bench.load import Message
from tests.servers.rabbitmq import RabbitServer

_AT_ONCE = 1000
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
    Publish as Celery does (transient, JSON); returns when RabbitMQ has confirmed all of it.

    Raises:
        OSError, amqp.exceptions.AMQPError: the connection is lost, or RabbitMQ is silent for 30 s.
    """
    with server.connect(socket_settings=_PATIENT) as connection:
        channel: Any = connection.channel()
        channel.confirm_select()
        waiting: dict[int, None] = {}  # in order, as tags are

        def on_ack(tag: int, multiple: bool) -> None:
            waiting.pop(tag, None)
            while multiple and waiting and (first := next(iter(waiting))) < tag:
                del waiting[first]

        channel.events["basic_ack"].add(on_ack)
        tags, left = itertools.count(1), iter(messages)
        while some := list(itertools.islice(left, _AT_ONCE)):
            connection.transport.write(b"".join([frames(one, channel.channel_id) for one in some]))
            waiting.update((next(tags), None) for _ in some)
            while len(waiting) >= _UNCONFIRMED:
                connection.drain_events(timeout=30)
        while waiting:
            connection.drain_events(timeout=30)


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
