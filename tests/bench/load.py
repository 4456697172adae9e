"""
The backlog that every contender drains: whole lives of tasks, as Celery 5.6 sent them, with fresh uuids and times.

The templates are in `tests/data/captures`: each life is task-sent, -received, -started and an end; 1 task in 20 fails,
with the traceback that it had. 1 event in 100 is a heartbeat.

- `single`: one event per message.
- `mix`: what workers do: clients' task-sent and heartbeats alone, the workers' task events in lists of 1 to 24, about
  2.4 events per message over all.

The same arguments give the same events, but for their times.
"""

import json
import random
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from bridge.model import Fields
from tests.captures import DIRECTORY, events

Kind = Literal["mix", "single"]
KINDS: tuple[Kind, ...] = ("mix", "single")

_CAPTURE = DIRECTORY / "rabbitmq-celery-5.6.x.jsonl"
_WORKERS = 4
_FAIL_EVERY = 20
_HEARTBEAT_EVERY = 100
_RATE = 5000.0  # events a second, in their timestamps
_LIST_LIMIT = 24  # Celery flushes at `buffer_limit` 24 (celery/events/dispatcher.py) and once a second
_LIST_MEAN = 4.8  # most flushes are by the clock: lists are short, and a message of the mix holds 2.4 events
_PREFETCHED, _RUNNING = 8, 4  # per worker: how long a task's events lie apart


@dataclass(slots=True)
class Message:
    """One broker message."""

    routing_key: str
    body: bytes
    events: int
    hostname: str


def identity(fields: Fields) -> str:
    """What tells one event of a backlog from every other, whatever a contender adds to it."""
    return f"{fields['type']} {fields.get('uuid') or fields.get('processed')}"


def messages(kind: Kind, count: int, *, seed: int = 1) -> Iterator[Message]:
    """`count` events as messages, in the order they are published."""
    if kind == "single":
        for fields in _events(count, seed):
            yield Message(_routing_key(fields), json.dumps(fields).encode(), 1, fields["hostname"])
        return
    chance = random.Random(seed)
    buffers: dict[str, list[Fields]] = defaultdict(list)
    limits: dict[str, int] = {}
    for fields in _events(count, seed):
        host = fields["hostname"]
        if fields["type"] in {"task-sent", "worker-heartbeat"}:
            yield Message(_routing_key(fields), json.dumps(fields).encode(), 1, host)
            continue
        buffer = buffers[host]
        buffer.append(fields)
        if len(buffer) >= limits.setdefault(host, _length(chance)):
            yield _list(buffer)
            del limits[host]
            buffers[host] = []
    yield from (_list(buffer) for buffer in buffers.values() if buffer)


def _length(chance: random.Random) -> int:
    return min(_LIST_LIMIT, 1 + int(chance.expovariate(1 / (_LIST_MEAN - 0.5))))


def _list(buffer: list[Fields]) -> Message:
    return Message("task.multi", json.dumps(buffer).encode(), len(buffer), buffer[0]["hostname"])


def _routing_key(fields: Fields) -> str:
    return str(fields["type"]).replace("-", ".", 1)


def _lives() -> tuple[list[list[Fields]], list[list[Fields]], Fields]:
    """Templates: lives that succeeded, lives that failed, and a heartbeat."""
    lives: dict[str, list[Fields]] = defaultdict(list)
    heartbeats: list[Fields] = []
    for event in events(_CAPTURE):
        if event.type == "worker-heartbeat":
            heartbeats.append(event.fields)
        elif isinstance(event.fields.get("uuid"), str):
            lives[event.fields["uuid"]].append(event.fields)
    start = ["task-sent", "task-received", "task-started"]
    ended = {
        end: [life for life in lives.values() if [one["type"] for one in life] == [*start, end]]
        for end in ("task-succeeded", "task-failed")
    }
    return ended["task-succeeded"], ended["task-failed"], heartbeats[0]


def _events(count: int, seed: int) -> Iterator[Fields]:
    """Events in the order a broker would see them, numbered by their clock."""
    began = time.time() - count / _RATE
    for number, fields in zip(range(count), _endless(seed), strict=False):
        fields["clock"] = number + 1
        fields["timestamp"] = began + number / _RATE
        yield fields


def _endless(seed: int) -> Iterator[Fields]:
    succeeded, failed, heartbeat = _lives()
    chance = random.Random(seed)
    hosts = [f"celery@worker-{number}" for number in range(1, _WORKERS + 1)]
    waiting: list[deque[list[Fields]]] = [deque() for _ in hosts]
    running: list[deque[list[Fields]]] = [deque() for _ in hosts]
    tasks = emitted = beats = 0
    while True:
        worker = tasks % _WORKERS
        templates = failed if tasks % _FAIL_EVERY == _FAIL_EVERY - 1 else succeeded
        tasks += 1
        life = _life(
            templates[tasks % len(templates)], str(UUID(int=chance.getrandbits(128), version=4)), hosts[worker]
        )
        out = life[:2]
        waiting[worker].append(life)
        if len(waiting[worker]) > _PREFETCHED:
            life = waiting[worker].popleft()
            running[worker].append(life)
            out.append(life[2])
        if len(running[worker]) > _RUNNING:
            out.append(running[worker].popleft()[3])
        for fields in out:
            yield fields
            emitted += 1
            if emitted % _HEARTBEAT_EVERY == 0:
                beats += 1
                yield heartbeat | {"hostname": hosts[beats % _WORKERS], "processed": beats}


def _life(template: list[Fields], uuid: str, host: str) -> list[Fields]:
    life: list[dict[str, Any]] = []
    for event in template:
        own: dict[str, Any] = {"uuid": uuid}
        if event["type"] != "task-sent":  # its hostname is the client's
            own["hostname"] = host
        if "root_id" in event:
            own["root_id"] = uuid
        life.append({**event, **own})
    return life
