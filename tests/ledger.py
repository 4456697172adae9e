"""
Who published what, and what became of it: numbered bodies, each accepted by the broker before it counts.

`publish` and `Publisher` are the sending half.
"""

import hashlib
import json
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from celery.events.event import get_exchange
from kombu import Connection, Producer

_UNCONFIRMED = 500  # messages sent without waiting: RabbitMQ confirms those of a quorum queue in batches


class Publisher:
    """
    Sends messages as Celery does, to its event exchange; a context manager. Belongs to one thread.

    On AMQP a message counts when the broker confirmed it, and it is kept over its restart (delivery mode 2):
    what counts is what the broker promised to keep. On other transports it counts when sent.
    """

    def __init__(self, url: str) -> None:
        options = dict(parse_qsl(urlsplit(url).query))
        connection: Any = Connection
        self._connection: Any = connection(url.partition("?")[0], transport_options={"read_timeout": 10} | options)
        self._producer: Any = None
        self._confirms = False
        self._sent = 0
        self._waiting: dict[int, tuple[int, str] | None] = {}
        self.accepted: dict[int, str] = {}
        """Number -> sha256 of the body, of every numbered body that the broker accepted."""

    def __enter__(self) -> Self:
        channel = self._connection.channel()
        self._confirms = self._connection.transport.driver_type == "amqp"
        if self._confirms:
            channel.confirm_select()
            channel.events["basic_ack"].add(self._confirmed)
        producer: Any = Producer
        self._producer = producer(channel, get_exchange(self._connection), auto_declare=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.confirm()
            self._connection.release()
        else:
            self._connection.collect()

    def send(
        self, body: bytes, *, routing_key: str = "task.multi", number: int | None = None, **properties: Any
    ) -> None:
        """One message; JSON unless `properties` say otherwise. With a `number` it is noted when it counts."""
        properties = {"content_type": "application/json", "content_encoding": "utf-8"} | properties
        self._sent += 1
        self._waiting[self._sent] = None if number is None else (number, hashlib.sha256(body).hexdigest())
        self._producer.publish(body, routing_key=routing_key, delivery_mode=2, **properties)
        if not self._confirms:
            self._confirmed(self._sent, multiple=False)
        elif len(self._waiting) >= _UNCONFIRMED:
            self.confirm()

    def send_numbered(self, number: int, *, uuid: str = "") -> None:
        """A `task-started` that holds the number."""
        self.send(numbered(number, uuid), number=number)

    def confirm(self) -> None:
        """
        Wait until the broker has confirmed everything sent.

        Raises:
            OSError, amqp.exceptions.AMQPError: the connection is lost; what it did not confirm never counts.
        """
        while self._waiting:
            self._connection.drain_events(timeout=10)

    def _confirmed(self, tag: int, multiple: bool) -> None:
        for one in [one for one in self._waiting if one <= tag] if multiple else [tag]:
            noted = self._waiting.pop(one)
            if noted is not None:
                self.accepted[noted[0]] = noted[1]


def numbered(number: int, uuid: str = "") -> bytes:
    """A valid event with this number in it: the clock. Numbers of one uuid are one task's."""
    event = {"hostname": "ledger@test", "utcoffset": 0, "pid": 1, "clock": number, "uuid": uuid or f"task-{number}"}
    return json.dumps(event | {"timestamp": 1_800_000_000.0 + number / 1000, "type": "task-started"}).encode()


def publish(url: str, bodies: Sequence[bytes]) -> None:
    """Send them in order, as JSON; returns when the broker has them."""
    with Publisher(url) as publisher:
        for body in bodies:
            publisher.send(body)
