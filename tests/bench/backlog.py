"""Publishes a backlog, each message confirmed by RabbitMQ: what is not confirmed a quorum queue may lose."""

from collections.abc import Iterable
from typing import Any

from amqp import Message as AmqpMessage

from bridge.clients.queue import BINDING, EXCHANGE
from tests.bench.contenders import Contender
from tests.bench.load import Message
from tests.servers.rabbitmq import RabbitServer

_UNCONFIRMED = 2000  # messages on their way: RabbitMQ confirms those of a quorum queue in batches


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
    with server.connect() as connection:
        channel: Any = connection.channel()
        channel.confirm_select()
        waiting: dict[int, None] = {}  # in order, as tags are

        def on_ack(tag: int, multiple: bool) -> None:
            waiting.pop(tag, None)
            while multiple and waiting and (first := next(iter(waiting))) < tag:
                del waiting[first]

        channel.events["basic_ack"].add(on_ack)
        for tag, message in enumerate(messages, 1):
            channel.basic_publish(amqp_message(message), EXCHANGE, message.routing_key)
            waiting[tag] = None
            while len(waiting) >= _UNCONFIRMED:
                connection.drain_events(timeout=30)
        while waiting:
            connection.drain_events(timeout=30)


def amqp_message(message: Message) -> AmqpMessage:
    """As Celery publishes it: transient, JSON, the node's name in the headers."""
    return AmqpMessage(
        message.body,
        content_type="application/json",
        content_encoding="utf-8",
        delivery_mode=1,
        application_headers={"hostname": message.hostname},
    )
