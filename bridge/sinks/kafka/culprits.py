"""What becomes of a record that Kafka refuses alone: its dead letter, unless it is the topic that refuses them all."""

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import replace

from bridge.clock import Clock
from bridge.errors import BlockedError, RecordError, SinkError
from bridge.model import Record
from bridge.sinks import DeadLetter
from bridge.sinks.kafka.outage import Refusals
from bridge.sinks.kafka.refusal import Refusal
from bridge.sinks.kafka.size import cut
from bridge.sinks.kafka.streak import Streak

# Dead letters that are remembered to have been changed, 64 KiB each at most: only those that are refused again at once.
_REMEMBERED = 32


class Culprits:
    """
    Args:
        topic, dead_letter_topic: the only ones whose records may be replaced.
        dead_letter: makes a dead letter; called once per refused record.
        limit: bytes of a batch before compression that a topic takes.
    """

    def __init__(
        self,
        topic: str,
        dead_letter_topic: str,
        dead_letter: DeadLetter,
        limit: Callable[[str], int],
        clock: Clock,
    ) -> None:
        self._topic = topic
        self._dead_letter_topic = dead_letter_topic
        self._make_dead_letter = dead_letter
        self._limit = limit
        self._clock = clock
        self._told = Refusals(clock)
        self._streaks: defaultdict[str, Streak] = defaultdict(Streak)
        self._changed: deque[tuple[Record, Refusal]] = deque(maxlen=_REMEMBERED)

    def taken(self, topic: str) -> None:
        """Records of this topic were written."""
        self._streaks[topic].broken()

    def replace(self, topic: str, record: Record, refusal: Refusal, reason: str, code: str = "") -> Record | None:
        """
        What takes the place of a record that was refused alone; it has the dead letters' topic. None: nothing does.

        Args:
            reason: for people, without a value of the record.
            code: the broker's, where it may be the topic's fault.

        Raises:
            BlockedError: it must not be replaced: several in a row were refused so, or it is a dead letter that was
                changed for this before, or of a topic of ours.
            SinkError: its dead letter could not be made.
        """
        if topic == self._dead_letter_topic:
            return self._amended(record, refusal, reason)
        if topic != self._topic or (code and self._streaks[topic].refused(record, code)):
            raise BlockedError(f"the Kafka topic {topic} takes no records: {reason}")
        self._told.add(topic, reason)
        try:
            letter = self._make_dead_letter(record, RecordError(f"Kafka topic {topic}: {reason}"))
        except Exception as error:
            raise SinkError(f"a refused record's dead letter could not be made: {type(error).__name__}") from error
        return None if letter is None else replace(letter, topic=self._dead_letter_topic)

    def _amended(self, record: Record, refusal: Refusal, reason: str) -> Record:
        """A dead letter that was refused, as its topic may take it: cut, and with the present time."""
        before = {why for changed, why in self._changed if changed is record}
        if refusal in before:
            raise BlockedError(f"the Kafka topic {self._dead_letter_topic} does not take a dead letter: {reason}")
        try:
            letter = cut(record, self._limit(self._dead_letter_topic))
        except ValueError as error:  # a header's name that is no UTF-8
            raise SinkError(f"a dead letter cannot be encoded ({type(error).__name__})") from error
        if refusal is not Refusal.TOO_LARGE:
            letter = replace(letter, timestamp_ms=int(self._clock.now() * 1000))
        elif letter is record:
            letter = replace(record)  # refused though it fits: a new one, for the old one may be remembered by others
        self._changed.extend((letter, why) for why in (*before, refusal))
        return letter
