"""Who takes part: one file each, with a CONTENDER or several in it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

Broker = Literal["rabbitmq", "redis"]


@dataclass(frozen=True, slots=True)
class Ends:
    """Where a contender reads and writes."""

    broker: str
    """URL of the broker, as Celery spells it."""
    bootstrap: str
    """host:port of Kafka."""
    topic: str
    stream_port: int = 0
    """Where RabbitMQ serves its stream protocol."""


def _none() -> Mapping[str, object]:
    return {}


@dataclass(frozen=True, slots=True, eq=False)
class Contender:
    """
    One way to bring the events of a queue to a topic.

    A record's value is a JSON object that holds `type`, and `uuid` or `processed` (of heartbeats), as they were sent:
    that is how records are told apart.
    """

    key: str
    """What `--only` calls it."""
    name: str
    job: str
    """What it does with an event, for the reader of the table."""
    queue: str
    """Declared before the backlog is made, so that it holds all of it; deleted after. Nothing where there is none."""
    command: Callable[[Ends], list[str]]
    arguments: Callable[[], Mapping[str, object]] = _none
    """Of the queue; it is durable."""
    broker: Broker = "rabbitmq"
    stream: bool = False
    """Whether the queue keeps what was read, so that its depth says nothing."""
    ours: bool = False
    not_to_say: str = ""
    """With these words in its log it did not do what its name says, and there is no figure."""
    why_not: Callable[[], str] = str
    """Why it cannot take part here; empty when it can."""


def missing(module: str) -> str:
    """Why one of our readers cannot take part: it is not in this checkout; empty when it is."""
    return "" if find_spec(module) else f"there is no {module} in this checkout"
