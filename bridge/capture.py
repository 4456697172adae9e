"""Deliveries in, captures of them out: what stands in the pipeline's place with `--format capture`."""

from collections.abc import Sequence

from bridge.clock import Clock, SystemClock
from bridge.decode import decode
from bridge.encode import Encoder
from bridge.errors import InvalidEventError
from bridge.formats.capture import capture, capture_event
from bridge.loss import Losses
from bridge.model import Delivery, Event, Gap, Header, Record
from bridge.pipeline import RECORDS_A_SEND, Limit, Transformed
from bridge.state import ClusterState

_HEADERS: list[Header] = [("content-type", b"application/json")]
_LATEST_SECONDS = 253_402_300_800  # the end of year 9999


class Capture:
    """
    Writes each delivery as it came: not validated, not filtered, and never a dead letter but where the sink refuses it.

    Counts deliveries, not events: it does not look into them. With `split` each event is a record of its own, with its
    task's key, and counts as one; a delivery that holds anything that is no event is not split, so that nothing of it
    is lost. A gap is its record, as in any format.

    Args:
        encoder: makes the record of a gap.
        cluster: the key of an event without task and node name.
        topic: where records go; empty for lines.
        split: one record per event.
        limit: how many may still be delivered, as for `Pipeline`.
    """

    def __init__(
        self,
        *,
        encoder: Encoder,
        cluster: str,
        topic: str = "",
        split: bool = False,
        limit: Limit | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.encoder = encoder
        self.state = ClusterState(max_tasks=0)
        """Empty: nothing is learned."""
        self.losses = Losses()
        """Empty likewise."""
        self.invalid: InvalidEventError | None = None
        self._cluster = cluster
        self._topic = topic
        self._split = split
        self._limit = limit
        self._clock = clock or SystemClock()

    @property
    def done(self) -> bool:
        """Whether the limit is reached."""
        return self._limit is not None and self._limit.left <= 0

    def transform(self, items: Sequence[Delivery | Gap]) -> Transformed:
        """
        Turn items of one read into records, in order; see `Pipeline.transform`.

        Raises:
            Nothing.
        """
        out = Transformed()
        for item in items:
            if self.done or len(out.records) >= RECORDS_A_SEND:
                break
            out.taken += 1
            if isinstance(item, Gap):
                out.records.append(self.encoder.gap(item))
                out.gaps += 1
            else:
                self._deliver(item, out)
            if item.position is not None:
                out.position = item.position
        return out

    def _deliver(self, delivery: Delivery, out: Transformed) -> None:
        out.deliveries.append(delivery)
        events = self._events(delivery)
        received = 1 if events is None else len(events)
        if events is None:
            records = [self._record(capture(delivery), None, delivery.received_at, delivery, None)]
        else:
            records = [self._event(event) for event in events]
        if self._limit is not None:
            records = records[: self._limit.left]
            self._limit.left -= len(records)
        out.records += records
        out.tally.received += received
        out.tally.delivered += len(records)
        out.tally.filtered += received - len(records)

    def _events(self, delivery: Delivery) -> list[Event] | None:
        """The events to write apart; None: the delivery stays whole."""
        if not self._split:
            return None
        events, failures = decode(delivery)
        return None if failures else events

    def _event(self, event: Event) -> Record:
        fields = event.fields
        uuid, hostname, timestamp = fields.get("uuid"), fields.get("hostname"), fields.get("timestamp")
        subject = next((text for text in (uuid, hostname) if isinstance(text, str) and text), self._cluster)
        timed = isinstance(timestamp, int | float) and 0 < timestamp < _LATEST_SECONDS
        at = timestamp if timed else event.delivery.received_at
        return self._record(capture_event(event), subject.encode(), at, event.delivery, event.index)

    def _record(
        self, value: bytes, key: bytes | None, at: float | None, delivery: Delivery, index: int | None
    ) -> Record:
        timestamp_ms = int((self._clock.now() if at is None else at) * 1000)
        return Record(value, self._topic, key, timestamp_ms, _HEADERS, delivery, 1, index)
