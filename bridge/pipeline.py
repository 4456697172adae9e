"""The stages composed over what a source read: deliveries in, records out. Synchronous, no I/O, one call per read."""

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from bridge.clock import Clock, SystemClock, iso_ms
from bridge.decode import LARGE, decode, glance, harmless
from bridge.encode import Encoder
from bridge.enrich import enrich
from bridge.errors import InvalidEventError
from bridge.filter import Filter
from bridge.identify import event_id, identify, identify_all
from bridge.loss import Losses
from bridge.model import Delivery, Event, Failure, Gap, OwnFault, Poison, Record, Tagged, Tally
from bridge.state import ClusterState
from bridge.validate import Policy, Schemas

log = structlog.get_logger()

RECORDS_A_SEND = 2000
"""With so many, the rest of a read waits for the next send: workers put up to 24 events into a delivery, and a thousand
full ones would be 24 MB of records. Four sends in flight and two more under way are 12 MB of this size."""

STRIDE = 64
"""Deliveries that each stage handles before the next one does. Their code (interpreter, orjson, jsonschema-rs, blake2b)
is more than a core's first cache holds: on a busy machine the whole took 26 to 33 us an event one by one, 16 to 27 in
strides of 16, 16 to 21 of 64, 14 to 19 of 1,000. But the parsed events of a stride are in memory all at once."""

STRIDE_EVENTS = 160
"""Events after which a stride ends too, as behind a LARGE body: 64 deliveries of Celery's mix hold as many."""

Identified = tuple[Event, str, str]
"""A valid event, its id, and its time as the record shows it."""


@dataclass(slots=True)
class Transformed:
    """What a read, or the first part of a large one, became: the unit of one send, one confirmation and one settle."""

    records: list[Record] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    """Those that were transformed, in order: all of the read, but for what `--limit` left untouched."""
    position: bytes | None = None
    """Of the last item; None where the source has none."""
    tally: Tally = field(default_factory=Tally)
    gaps: int = 0
    taken: int = 0
    """How many of the items it was made of."""


@dataclass(slots=True)
class Limit:
    """How many events may still be delivered."""

    left: int


class Pipeline:
    """
    decode -> validate -> identify -> enrich -> filter -> encode, for one chain.

    Never raises on what a broker delivered: what is wrong becomes a dead letter, also when the fault is ours.

    Args:
        limit: how many events may still be delivered, shared by all chains of a process; then the pipeline is `done`,
            and what is left of the delivery that reached it counts as filtered.
        policy: what becomes of events that violate their schema; None: dead letters.
    """

    def __init__(
        self,
        *,
        schemas: Schemas,
        state: ClusterState,
        encoder: Encoder,
        passes: Filter,
        limit: Limit | None = None,
        policy: Policy | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.state = state
        self.losses = Losses()
        self._schemas = schemas
        self.encoder = encoder
        self._passes = passes
        self._limit = limit
        self._clock = clock or SystemClock()
        self._policy = policy or Policy("dead-letter", schemas)
        self.invalid: InvalidEventError | None = None
        """Why no further delivery is taken (`--on-invalid fail`)."""
        self._faults: set[str] = set()
        self._stride = STRIDE
        """Deliveries of the next stride: fewer after an unusual one, soon as many again."""
        self._observed: tuple[float | None, str] = (None, "")

    @property
    def done(self) -> bool:
        """Whether no further delivery is taken: the limit is reached, or an invalid event ends it."""
        return self.invalid is not None or (self._limit is not None and self._limit.left <= 0)

    def transform(self, items: Sequence[Delivery | Gap]) -> Transformed:
        """
        Turn 1..n items of one read into 0..n records, in order; a delivery's dead letter stands behind its records.

        Takes all of them, but no further one once there are RECORDS_A_SEND records, or the limit is reached: `taken`.

        Mutates the state. Call from one task only.

        Raises:
            Nothing.
        """
        out = Transformed()
        while out.taken < len(items) and not self.done and len(out.records) < RECORDS_A_SEND:
            if self._limit is None and self._quickly(items[out.taken : out.taken + self._stride], out):
                self._stride = min(2 * self._stride, STRIDE)
            elif not self.done and len(out.records) < RECORDS_A_SEND:
                self._carefully(items[out.taken], out)
        return out

    def _quickly(self, items: Sequence[Delivery | Gap], out: Transformed) -> bool:
        """
        Transform deliveries, up to the first unusual one, as one list of events: each stage over all of them before the
        next one. Returns whether there was no unusual one.
        """
        events: list[Event] = []
        deliveries: list[Delivery] = []
        most = min(STRIDE_EVENTS, RECORDS_A_SEND - len(out.records))
        usual = True
        for item in items:
            if type(item) is not Delivery or not glance(item, events):  # a Gap, Poison
                usual = False
                break
            deliveries.append(item)
            if len(events) >= most or len(item.body) > LARGE:
                break
        plain = self._schemas.plain(events, harmless)
        if plain < len(events):
            usual = False
            cut_off(events[plain].delivery, events, deliveries)
        if not usual:
            self._stride = max(1, len(deliveries))  # what lies beyond was parsed in vain
        if deliveries:
            self._deliver_plain(events, deliveries, out)
        return usual

    def _deliver_plain(self, events: list[Event], deliveries: Sequence[Delivery], out: Transformed) -> None:
        """All that is left to do of deliveries whose events are plain."""
        try:
            done = self._encode(events, identify_all(events), out)
        except Exception:  # noqa: BLE001 - our fault: whoever looks at each event finds it, and keeps the event
            done = 0
        if done == len(events):
            out.deliveries += deliveries
        else:  # one failed by our fault: it is to be a dead letter behind the records of its delivery
            for delivery in deliveries:
                left = [event for event in events[done:] if event.delivery is delivery]
                failures: list[Failure] = []
                self._deliver(delivery, failures, self._identified(left, failures), out)
        out.taken += len(deliveries)
        out.position = next((one.position for one in reversed(deliveries) if one.position is not None), out.position)

    def _encode(self, events: list[Event], identities: list[tuple[str, str]], out: Transformed) -> int:
        """Fold and encode valid events, up to one that fails by our fault; how many were handled."""
        records, state, losses, record = out.records, self.state, self.losses, self.encoder.record
        passes, passes_all = self._passes, self._passes.passes_all
        done, before, seen_at, observed_time = 0, len(records), None, ""  # of one stride: read together
        try:
            for place, event in enumerate(events):
                identity, event_time = identities[place]
                received_at = event.delivery.received_at
                if received_at != seen_at or not observed_time:
                    seen_at, observed_time = received_at, self._observed_time(received_at)
                context = enrich(event, identity, event_time, state, losses)
                if passes_all or passes(event, context):
                    records.append(record(event, context, identity, event_time, observed_time))
                done += 1
        except Exception as error:  # noqa: BLE001 - it is tried again, alone, and reported there
            log.debug("stage failed", error_type=type(error).__name__)
        delivered = len(records) - before
        out.tally.received += done
        out.tally.delivered += delivered
        out.tally.filtered += done - delivered
        return done

    def _carefully(self, item: Delivery | Gap, out: Transformed) -> None:
        """
        Transform any item whatever.

        What comes before the state is pure, so nothing is lost when the item is not taken in the end.
        """
        if isinstance(item, Gap):
            out.records.append(self.encoder.gap(item))
            out.gaps += 1
        else:
            if isinstance(item, Poison) and self._policy.ends:
                item = item.acquitted()
            decoded, failures = decode(item)
            events = self._checked(decoded, failures)
            named = self._identified_as_sent if self._policy.tags else self._identified
            identified = named(events, failures)
            if failures and (fatal := self._policy.fatal(failures)):
                self.invalid = fatal
                return
            self._deliver(item, failures, identified, out)
        out.taken += 1
        if item.position is not None:
            out.position = item.position

    def _checked(self, events: list[Event], failures: list[Failure]) -> list[Event]:
        """Those of a delivery's events that keep their schemas, or go on with a mark; `failures` gets the others."""
        check = self._schemas.check
        valid = []
        for event in events:
            failure = check(event)
            if failure is None:
                valid.append(event)
            elif forwarded := self._policy.forwarded(event):
                valid.append(forwarded)
            else:
                failures.append(failure)
        return valid

    def _identified(self, events: list[Event], failures: list[Failure]) -> list[Identified]:
        """Each valid event with its id and its time as the record shows it."""
        identified = []
        for event in events:
            try:
                identified.append((event, *identify(event.fields)))
            except Exception as error:  # noqa: BLE001 - our fault, and no event is to suffer for it: kept whole
                failures.append(self._own_fault(event, error))
        return identified

    def _identified_as_sent(self, events: list[Event], failures: list[Failure]) -> list[Identified]:
        """The same where some are `Tagged`: an id is made of all that was sent."""
        return [
            (event, event_id(event.sent) if isinstance(event, Tagged) else identity, event_time)
            for one in events
            for event, identity, event_time in self._identified([one], failures)
        ]

    def _deliver(self, delivery: Delivery, failures: list[Failure], events: list[Identified], out: Transformed) -> None:
        """Fold a delivery's events into the state and encode them, then what failed of it."""
        received, observed_time = len(events) + len(failures), self._observed_time(delivery.received_at)
        records, limit, passes_all = out.records, self._limit, self._passes.passes_all
        delivered, asked = 0, self._policy.asked
        for event, identity, event_time in events:
            if limit is not None and limit.left <= 0:
                break
            try:
                learned = event if event.type not in asked else self._policy.learned(event)
                context = enrich(learned, identity, event_time, self.state, self.losses)
                if not passes_all and not self._passes(event, context):
                    continue
                records.append(self.encoder.record(event, context, identity, event_time, observed_time))
            except Exception as error:  # noqa: BLE001 - as above
                failures.append(self._own_fault(event, error))
                continue
            delivered += 1
            if limit is not None:
                limit.left -= 1
        if failures:
            failures = self._policy.kept(failures)
        tally = out.tally
        tally.received += received
        tally.delivered += delivered
        tally.dead_lettered += len(failures)
        tally.filtered += received - delivered - len(failures)
        out.deliveries.append(delivery)
        if failures:
            failures.sort(key=lambda failure: -1 if failure.index is None else failure.index)
            observed_at = self._clock.now() if delivery.received_at is None else delivery.received_at
            records.append(self.encoder.dead_letter(delivery, failures, observed_at))

    def _own_fault(self, event: Event, error: Exception) -> Failure:
        """A stage failed on a valid event: said once per kind, in full but for the values; the event is kept."""
        kind = type(error).__name__
        if kind not in self._faults:
            self._faults.add(kind)
            frame = traceback.extract_tb(error.__traceback__)[-1]
            log.error("stage failed on a valid event", error_type=kind, file=frame.filename, line=frame.lineno)
        return OwnFault("schema", f"internal error: {kind}", event.index)

    def _observed_time(self, received_at: float | None) -> str:
        """As the record shows it. The deliveries of one read share their moment, so the last text is kept."""
        if received_at is None:
            return iso_ms(self._clock.now())
        seen_at, text = self._observed
        if seen_at != received_at:
            text = iso_ms(received_at)
            self._observed = (received_at, text)
        return text


def cut_off(unusual: Delivery, events: list[Event], deliveries: list[Delivery]) -> None:
    """Take an unusual delivery, and all behind it, off both lists."""
    del events[next(place for place, event in enumerate(events) if event.delivery is unusual) :]
    del deliveries[next(place for place, delivery in enumerate(deliveries) if delivery is unusual) :]
