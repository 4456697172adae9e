"""
Who published what, and what became of it: numbered bodies, each accepted by the broker before it counts.

`publish` and `Publisher` are the sending half, `account_for` is the reading half.
"""

import hashlib
import json
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, islice
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

    def __init__(self, url: str, options: Mapping[str, object] | None = None) -> None:
        options = {**dict(parse_qsl(urlsplit(url).query)), **(options or {})}
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


@contextmanager
def publishing(url: str) -> Iterator[dict[int, str]]:
    """
    A thread that sends numbered events, over every outage, until the block ends; yields what was accepted so far.

    What an outage left unconfirmed does not count, whether the broker has it or not.
    """
    accepted: dict[int, str] = {}
    end = threading.Event()

    def go() -> None:
        numbers = count(1)
        while not end.is_set():
            try:
                with Publisher(url) as publisher:
                    publisher.accepted = accepted
                    while not end.is_set():
                        for number in islice(numbers, 50):
                            publisher.send_numbered(number)
                        publisher.confirm()
            except Exception:  # noqa: BLE001 - whatever an outage makes kombu raise
                end.wait(0.1)

    thread = threading.Thread(target=go)
    thread.start()
    try:
        yield accepted
    finally:
        end.set()
        thread.join()


def numbered(number: int, uuid: str = "") -> bytes:
    """A valid event with this number in it: the clock. Numbers of one uuid are one task's."""
    event = {"hostname": "ledger@test", "utcoffset": 0, "pid": 1, "clock": number, "uuid": uuid or f"task-{number}"}
    return json.dumps(event | {"timestamp": 1_800_000_000.0 + number / 1000, "type": "task-started"}).encode()


def publish(url: str, bodies: Sequence[bytes]) -> None:
    """Send them in order, as JSON; returns when the broker has them."""
    with Publisher(url) as publisher:
        for body in bodies:
            publisher.send(body)


@dataclass(frozen=True, slots=True)
class Account:
    """What became of the numbered events that the broker accepted. In a faultless run only `repeated` holds any."""

    lost: list[int]
    """Accepted, and nobody read them."""
    strangers: list[int]
    """Read, and never accepted."""
    altered: list[int]
    """Read with other fields of the sender's than were sent."""
    repeated: dict[int, int]
    """Read more than once: how often."""
    ambiguous: list[int]
    """Whose event_id differs between repeats, or is another event's too."""

    @property
    def faults(self) -> dict[str, list[int]]:
        """What must never be, by its name, shortened to what a failure can show."""
        found = {name: getattr(self, name) for name in ("lost", "strangers", "altered", "ambiguous")}
        return {name: numbers[:20] for name, numbers in found.items() if numbers}


def account_for(accepted: Mapping[int, str], records: Iterable[Mapping[str, Any]]) -> Account:
    """
    Compare what the broker accepted with the native records that were read.

    Args:
        accepted: as `Publisher.accepted`.
        records: parsed; in any order.
    """
    counts: Counter[int] = Counter()
    ids: dict[int, set[str]] = defaultdict(set)
    altered = set()
    for record in records:
        number = record["clock"]
        counts[number] += 1
        ids[number].add(record["event_id"])
        body = json.dumps({name: record.get(name) for name in _SENT}).encode()
        if hashlib.sha256(body).hexdigest() != accepted.get(number):
            altered.add(number)
    owners = Counter(event_id for found in ids.values() for event_id in found)
    return Account(
        lost=sorted(accepted.keys() - counts.keys()),
        strangers=sorted(counts.keys() - accepted.keys()),
        altered=sorted(altered & accepted.keys()),
        repeated={number: count for number, count in counts.items() if count > 1},
        ambiguous=sorted(n for n, found in ids.items() if len(found) > 1 or owners[next(iter(found))] > 1),
    )


_SENT = tuple(json.loads(numbered(0)))
"""The names of a numbered event's fields, in the order they are sent in."""
