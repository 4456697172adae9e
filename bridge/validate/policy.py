"""What becomes of an event that violates its schema: `--on-invalid`."""

from collections.abc import Container, Sequence

from bridge.clock import Clock, SystemClock
from bridge.errors import InvalidEventError
from bridge.model import Event, Failure, OwnFault, Tagged
from bridge.validate.schemas import Schemas

RESERVED = "bridge-"
"""What types of the bridge's own reports begin with: no sender's event is ever forwarded under such a name."""

NOTHING_LEARNED = ""
"""A type that no event can have: what bears it teaches the state nothing."""


class EveryType(Container[str]):
    """Holds any name. No set: compiled code asks those without their methods."""

    def __contains__(self, _: object) -> bool:
        return True


EVERY_TYPE = EveryType()


class Policy:
    """
    One of

    - `dead-letter`: the event is a dead letter;
    - `tag`: it is forwarded as a `Tagged` event;
    - `drop`: it is counted as filtered, and so is what is no event at all;
    - `fail`: the chain ends before its delivery.

    What fails by our own fault is a dead letter under each of them.

    Args:
        name: one of these.
        clock: stands in for a time of sending that an invalid event lacks, where nobody knows when it was read.
    """

    def __init__(self, name: str, schemas: Schemas, clock: Clock | None = None) -> None:
        self._name = name
        self._schemas = schemas
        self._clock = clock or SystemClock()
        self.ends = name == "fail"
        """Whether an invalid event ends the process: for who counts deaths, that is one."""
        self.tags = name == "tag"
        """Whether events may be `Tagged`."""
        self.asked: Container[str] = EVERY_TYPE if self.tags else schemas.replaced
        """Types of events that may hold what the state must not learn: for them there is `learned`."""

    def learned(self, event: Event) -> Event:
        """The event as the state may learn it; one of no type and no fields where it may not at all."""
        if not isinstance(event, Tagged):
            return self._schemas.fitting(event) if event.type in self._schemas.replaced else event
        if event.known_sender:
            return event
        return Event(NOTHING_LEARNED, {}, event.delivery, event.index)

    def forwarded(self, event: Event) -> Event | None:
        """What goes on in the place of an event that violates its schema; None: nothing, it failed."""
        if not self.tags or event.type.startswith(RESERVED):
            return None
        misfits = self._schemas.misfits(event) - {"type"}
        fields = {name: value for name, value in event.fields.items() if name not in misfits}
        timed = fields.get("timestamp") is not None
        if not timed:
            read_at = event.delivery.received_at
            fields["timestamp"] = self._clock.now() if read_at is None else read_at
        violations = self._schemas.violations(event)
        known = timed and fields.get("hostname") is not None
        return Tagged(
            event.type,
            fields,
            event.delivery,
            event.index,
            event.fields,
            violations,
            timed=timed,
            known_sender=known,
        )

    def kept(self, failures: list[Failure]) -> list[Failure]:
        """Of what failed in a delivery, what becomes its dead letter; the rest counts as filtered."""
        if self._name != "drop":
            return failures
        return [failure for failure in failures if isinstance(failure, OwnFault)]

    def fatal(self, failures: Sequence[Failure]) -> InvalidEventError | None:
        """What ends the chain before the delivery that these failed of; None: nothing."""
        if self._name != "fail":
            return None
        for failure in failures:
            if failure.schema and not isinstance(failure, OwnFault):
                return _error(failure)
        return None


def _error(failure: Failure) -> InvalidEventError:
    place = "" if failure.index is None else f", event {failure.index} of its list"
    path = f"{failure.path} is " if failure.path else ""
    return InvalidEventError(
        f"an event violates {failure.schema}{place}: {path}{failure.error}; its delivery is not settled "
        "(--on-invalid fail)"
    )
