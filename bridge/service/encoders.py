"""Encoders over other encoders: dead letters in another form, and records under the label of their own cluster."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from bridge.config.ends import DEFAULT_LABEL
from bridge.encode import Encoder
from bridge.errors import RecordError
from bridge.letters import Letter
from bridge.model import Context, Delivery, Event, Failure, Gap, Record

LABELS_KEPT = 100
"""A dead letter names its cluster, and anybody may write one: as many are kept as anybody has clusters."""


class LettersApart:
    """
    Encodes dead letters for another sink than records.

    Args:
        records: encodes all but dead letters.
        letters: encodes these.
        mark: what `Record.topic` of a dead letter shall say.
    """

    def __init__(self, records: Encoder, letters: Encoder, mark: str) -> None:
        self.record = records.record
        self.gap = records.gap
        self._letters = letters
        self._mark = mark

    def dead_letter(self, delivery: Delivery, failures: Sequence[Failure], observed_at: float) -> Record:
        """See `Encoder`."""
        return replace(self._letters.dead_letter(delivery, failures, observed_at), topic=self._mark)

    def refused(self, record: Record, error: RecordError) -> Record:
        """See `Encoder`."""
        return replace(self._letters.refused(record, error), topic=self._mark)


class ByCluster:
    """
    Encodes what is sent again from dead letters, each under the label of the cluster that it came from.

    Args:
        make: an encoder for a label.
    """

    def __init__(self, make: Callable[[str], Encoder]) -> None:
        self._make = make
        self._encoders: dict[str, Encoder] = {}

    def record(self, event: Event, context: Context, event_id: str, event_time: str, observed_time: str) -> Record:
        """See `Encoder`."""
        return self._of(event.delivery).record(event, context, event_id, event_time, observed_time)

    def gap(self, gap: Gap) -> Record:
        """See `Encoder`."""
        return self._labelled(DEFAULT_LABEL).gap(gap)

    def dead_letter(self, delivery: Delivery, failures: Sequence[Failure], observed_at: float) -> Record:
        """See `Encoder`."""
        return self._of(delivery).dead_letter(delivery, failures, observed_at)

    def refused(self, record: Record, error: RecordError) -> Record:
        """See `Encoder`."""
        return self._of(record.origin).refused(record, error)

    def _of(self, delivery: Delivery | None) -> Encoder:
        letter = delivery.tag if delivery is not None else None
        return self._labelled((letter.cluster if isinstance(letter, Letter) else "") or DEFAULT_LABEL)

    def _labelled(self, label: str) -> Encoder:
        encoder = self._encoders.get(label)
        if encoder is None:
            if len(self._encoders) >= LABELS_KEPT:
                self._encoders.clear()
            encoder = self._encoders[label] = self._make(label)
        return encoder
