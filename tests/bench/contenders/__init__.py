"""Who takes part: one file each, with a CONTENDER in it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Ends:
    """Where a contender reads and writes."""

    broker: str
    """URL of the broker, as Celery spells it."""
    bootstrap: str
    """host:port of Kafka."""
    topic: str


@dataclass(frozen=True, slots=True, eq=False)
class Contender:
    """
    One way to bring the events of a queue to a topic.

    A record's value is a JSON object that holds `type`, and `uuid` or `processed` (of heartbeats), as they were sent:
    that is how records are told apart.
    """

    name: str
    job: str
    """What it does with an event, for the reader of the table."""
    queue: str
    """Declared before the backlog is made, so that it holds all of it; deleted after."""
    command: Callable[[Ends], list[str]]
    arguments: Mapping[str, object] = field(default_factory=dict)
    """Of the queue; it is durable."""
    ours: bool = False
    why_not: Callable[[], str] = str
    """Why it cannot take part here; empty when it can."""
