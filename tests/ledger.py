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


class Publisher:
    """
    Sends messages as Celery does, to its event exchange; a context manager. Belongs to one thread.

    On AMQP every message is confirmed by the broker before `send` returns, and kept over a restart of it (delivery mode
    2): what counts as published is what the broker promised to keep. On other transports it counts when sent.
    """

    def __init__(self, url: str) -> None:
        options = dict(parse_qsl(urlsplit(url).query))
        connection: Any = Connection
        self._connection: Any = connection(
            url.partition("?")[0], transport_options={"confirm_publish": True, "read_timeout": 10} | options
        )
        self._producer: Any = None
        self.accepted: dict[int, str] = {}
        """Number -> sha256 of the body, of every numbered body that the broker accepted."""

    def __enter__(self) -> Self:
        producer: Any = Producer
        self._producer = producer(self._connection.channel(), get_exchange(self._connection), auto_declare=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._connection.release()
        else:
            self._connection.collect()

    def send(self, body: bytes, *, routing_key: str = "task.multi", **properties: Any) -> None:
        """One message; JSON unless `properties` say otherwise."""
        properties = {"content_type": "application/json", "content_encoding": "utf-8"} | properties
        self._producer.publish(body, routing_key=routing_key, delivery_mode=2, **properties)

    def send_numbered(self, number: int, *, uuid: str = "") -> None:
        """A `task-started` that holds the number; noted when accepted."""
        body = numbered(number, uuid)
        self.send(body)
        self.accepted[number] = hashlib.sha256(body).hexdigest()


def numbered(number: int, uuid: str = "") -> bytes:
    """A valid event with this number in it: the clock. Numbers of one uuid are one task's."""
    event = {"hostname": "ledger@test", "utcoffset": 0, "pid": 1, "clock": number, "uuid": uuid or f"task-{number}"}
    return json.dumps(event | {"timestamp": 1_800_000_000.0 + number / 1000, "type": "task-started"}).encode()


def publish(url: str, bodies: Sequence[bytes]) -> None:
    """Send them in order, as JSON; returns when the broker has them."""
    with Publisher(url) as publisher:
        for body in bodies:
            publisher.send(body)
