"""Bodies of tasks' events, made as fast as a benchmark has to feed them: a captured text with another uuid and time."""

import json
import time
from collections.abc import Iterator
from typing import Any

from tests.bench.load import messages

STAGES = ("task-sent", "task-received", "task-started", "task-succeeded")

_CAPTURED = 2000  # events of a backlog that hold whole lives
_RATE = 5000.0  # events a second, in their timestamps


class Lives:
    """
    One task after the other, each with a uuid of its own, as Celery 5.6 sent one: 340 bytes an event.

    Args:
        began: the first event's time.
    """

    def __init__(self, began: float | None = None) -> None:
        self._parts = [_parts(event) for event in _life()]
        self._began = time.time() if began is None else began
        self._clock = 0

    def events(self, number: int, start: int = 0, stop: int | None = None) -> list[bytes]:
        """Some of a task's events, of STAGES and in that order; `number` makes its uuid."""
        uuid = b"%08x-0000-4000-8000-%012x" % (number * 2654435761 % 2**32, number)
        made = []
        for before, *between, after in self._parts[start:stop]:
            self._clock += 1
            texts = {b"uuid": uuid, b"clock": b"%d" % self._clock, b"time": b"%.6f" % self._time()}
            made.append(b"".join([before, *(texts.get(part, part) for part in between), after]))
        return made

    def _time(self) -> float:
        return self._began + self._clock / _RATE


def _life() -> list[dict[str, Any]]:
    """The events of one task that succeeded, as they are in the backlog of `make bench`."""
    lives: dict[str, list[dict[str, Any]]] = {}
    for message in messages("single", _CAPTURED):
        event = json.loads(message.body)
        if isinstance(event.get("uuid"), str):
            lives.setdefault(event["uuid"], []).append(event)
    return next(life for life in lives.values() if tuple(event["type"] for event in life) == STAGES)


def _parts(event: dict[str, Any]) -> list[bytes]:
    """The event's text, cut where a uuid, the clock and the timestamp stand."""
    marked = event | {"uuid": "\x01", "clock": "\x02", "timestamp": "\x03"}
    if event.get("root_id") == event["uuid"]:
        marked["root_id"] = "\x01"
    text = json.dumps(marked).replace('"\\u0002"', "\x00clock\x00").replace('"\\u0003"', "\x00time\x00")
    return text.replace("\\u0001", "\x00uuid\x00").encode().split(b"\0")


def lines(tasks: int, *, whole_every: int) -> Iterator[bytes]:
    """
    Events of so many tasks, one task after the other: one in `whole_every` lives its whole life, of the
    others only task-received is ever seen, so that both kinds of tasks have to be forgotten.
    """
    lives = Lives()
    for number in range(tasks):
        yield from lives.events(number) if number % whole_every == 0 else lives.events(number, 1, 2)
