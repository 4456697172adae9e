"""Our queue on the broker: its name and arguments. Both are final: RabbitMQ refuses others afterwards."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import uuid4

from bridge.errors import ConfigError

QueueType = Literal["quorum", "stream", "transient"]

EXCHANGE = "celeryev"
"""Where Celery publishes events (celery/events/event.py, EVENT_EXCHANGE_NAME)."""

BINDING = "#"
"""Every routing key: the topic exchange gets `task.multi`, `worker.heartbeat`, `order.paid`."""

PREFIX = "celeryev.bridge."

_GROUP = re.compile(r"[A-Za-z0-9_.-]+")

_GIB = 1024**3
_MIB = 1024**2

_QUORUM: Mapping[str, object] = {
    "x-queue-type": "quorum",  # Celery's messages are transient: a classic queue loses them when the broker restarts
    "x-single-active-consumer": True,  # replicas stand by, and one bridge at a time sees every event in order
    # RabbitMQ 4 drops a message after 20 deliveries unless told otherwise, and everything prefetched counts together.
    "x-delivery-limit": 1_000_000,
    # Without a cap a long outage of the sink fills the broker's disk, and its alarm stops the whole Celery cluster.
    "x-max-length-bytes": 4 * _GIB,
    "x-overflow": "drop-head",  # reject-publish would lose the newest instead: workers publish without confirms
}

_STREAM: Mapping[str, object] = {
    "x-queue-type": "stream",
    # What is beyond either bound is cut off, oldest first, whether it was read or not: a segment at a time.
    "x-max-length-bytes": 4 * _GIB,
    "x-max-age": "7D",
    # RabbitMQ's 500 MB would let the stream grow by so much over its bound, and cut so much off at once.
    "x-stream-max-segment-size-bytes": 64 * _MIB,
}

_TRANSIENT: Mapping[str, object] = {
    "x-queue-type": "classic",  # said aloud: a virtual host may have quorum as its default, which cannot be exclusive
    "x-max-length-bytes": 256 * _MIB,  # a paused `dump | less` must not raise the broker's memory alarm
    "x-overflow": "drop-head",
}

_ARGUMENTS: Mapping[QueueType, Mapping[str, object]] = {
    "quorum": _QUORUM,
    "stream": _STREAM,
    "transient": _TRANSIENT,
}


@dataclass(frozen=True, slots=True)
class QueuePlan:
    """
    What queue a source wants.

    Raises:
        ConfigError: the group's name or an argument is none that a broker takes.
    """

    type: QueueType
    group: str
    overrides: Mapping[str, str]

    def __post_init__(self) -> None:
        problems = []
        if self.type not in _ARGUMENTS:
            problems.append(f"queue type {self.type!r}: it is quorum, stream or transient")
        if not _GROUP.fullmatch(self.group):
            problems.append(f"group {self.group!r}: only letters, digits and _ . - make a queue's name")
        elif len(f"{PREFIX}{self.group}.stream.lock") > 255:  # AMQP short string
            most = 255 - len(f"{PREFIX}.stream.lock")
            problems.append(f"group {self.group[:20]!r}...: longer than {most} characters")
        problems += [f"queue argument {name!r}: it has no name" for name in self.overrides if not name.strip()]
        if problems:
            raise ConfigError(problems)

    @property
    def transient(self) -> bool:
        """Whether the queue lives as long as the connection."""
        return self.type == "transient"

    def name(self) -> str:
        """The queue's name; of a transient one a new name at every call, so that a dead connection's is never met."""
        if self.type == "stream":
            return f"{PREFIX}{self.group}.stream"
        return PREFIX + (str(uuid4()) if self.transient else self.group)

    def lock(self) -> str:
        """What the one of several replicas that reads a stream has locked, by name."""
        return f"{self.name()}.lock"

    def arguments(self) -> dict[str, object]:
        """What it is declared with, overrides applied."""
        return {**_ARGUMENTS[self.type], **{name: argument(value) for name, value in self.overrides.items()}}


def argument(text: str) -> object:
    """A queue argument as AMQP types it: `true` and `false` are booleans, decimal digits an integer, else text."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    return int(text) if re.fullmatch(r"[+-]?[0-9]{1,18}", text) else text
