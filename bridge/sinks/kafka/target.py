"""Where a Kafka sink writes."""

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.clients.kafka import POSITIONS_SUFFIX, Properties

# With `create_topics`. Six readers can share them, and two, three or six evenly; a number that is changed later moves
# keys to other partitions. Dead letters are few, and read from one partition in the order they came.
PARTITIONS = 6
DEAD_LETTER_PARTITIONS = 1
_POSITIONS_PARTITIONS = 1


@dataclass(frozen=True, slots=True)
class Target:
    """A topic of a cluster, and those that go with it."""

    servers: tuple[str, ...]
    """host:port of 1..n brokers."""
    topic: str
    properties: Properties
    dead_letters: str
    """The topic of what Kafka refuses for ever."""
    own_dead_letters: bool
    """Whether it is written at all."""
    create_topics: bool
    """Whether to create what is missing; the topic of positions, which is the bridge's own, is created in any case."""
    transactional_id: str | None = None
    """What the position is stored under; None: it is not stored."""

    @property
    def positions(self) -> str:
        """The topic of the positions that exactly-once writers reached."""
        return self.topic + POSITIONS_SUFFIX

    @property
    def wanted(self) -> Mapping[str, int]:
        """The topics, and with how many partitions to create those that are missing."""
        wanted = {self.topic: PARTITIONS}
        if self.own_dead_letters:
            wanted[self.dead_letters] = DEAD_LETTER_PARTITIONS
        if self.transactional_id is not None:
            wanted[self.positions] = _POSITIONS_PARTITIONS
        return wanted

    def __str__(self) -> str:
        return f"{','.join(self.servers)}/{self.topic}"
