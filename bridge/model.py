"""The nouns that flow through a chain. No behaviour, no I/O; a batch is a plain list of them.

They are not frozen (a frozen dataclass costs 0.7 us more to make); nothing may change one after it was handed on. Those
made for every event have their `__init__` written out: the one that dataclasses write at run time is never compiled.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Fields = dict[str, Any]
"""One Celery event as sent: a JSON object. Never mutated after decode made it."""

Names = tuple[str, ...]

Header = tuple[str, bytes]


@dataclass(slots=True, init=False)
class Delivery:
    """One broker message: the unit of acknowledgement. Born in a source, dies when the source settles it."""

    body: bytes
    """The broker's bytes, untouched (only what a transport wrapped around them is taken off)."""
    content_type: str | None
    content_encoding: str | None
    headers: Mapping[str, Any]
    routing_key: str
    redelivered: bool
    received_at: float | None
    """When it was read, in seconds since the epoch, UTC. None: the source cannot know (a bare line of a file)."""
    tag: Any
    """What the source needs to settle it; opaque to everybody else. The lines source puts the line's number here."""
    position: bytes | None
    """Where to go on after this delivery; opaque. None where the broker itself remembers."""

    def __init__(
        self,
        body: bytes,
        content_type: str | None = None,
        content_encoding: str | None = None,
        headers: Mapping[str, Any] | None = None,
        routing_key: str = "",
        redelivered: bool = False,
        received_at: float | None = None,
        tag: Any = None,
        position: bytes | None = None,
    ) -> None:
        self.body = body
        self.content_type = content_type
        self.content_encoding = content_encoding
        self.headers = {} if headers is None else headers
        self.routing_key = routing_key
        self.redelivered = redelivered
        self.received_at = received_at
        self.tag = tag
        self.position = position


ALONE_FROM: Final = 3
"""Deaths with it in flight from which on a delivery is handled alone: two in a row are bad luck, or a rollout."""

POISON_FROM: Final = 5
"""Deaths from which on a delivery that is alone is poison: two more, with nothing else in flight."""


@dataclass(slots=True, init=False)
class Poison(Delivery):
    """A delivery that its source holds for the reason why the process died, again and again: nobody looks into it."""

    attempts: int
    """How often it was delivered before."""

    def __init__(self, delivery: Delivery, attempts: int) -> None:
        Delivery.__init__(  # super() needs the class as it was before slots=True made another one
            self,
            delivery.body,
            delivery.content_type,
            delivery.content_encoding,
            delivery.headers,
            delivery.routing_key,
            delivery.redelivered,
            delivery.received_at,
            delivery.tag,
            delivery.position,
        )
        self.attempts = attempts

    def acquitted(self) -> Delivery:
        """The same, to be looked into."""
        return Delivery(
            self.body,
            self.content_type,
            self.content_encoding,
            self.headers,
            self.routing_key,
            self.redelivered,
            self.received_at,
            self.tag,
            self.position,
        )


@dataclass(slots=True)
class Gap:
    """Events were lost before they reached us. Travels among the deliveries, so that its record is in order."""

    reason: str
    from_time: float
    """The last moment the stream was known to be whole, in seconds since the epoch, UTC."""
    to_time: float
    """When it was whole again: the server confirmed the new subscription."""
    lost: int | None = None
    """How many events were lost, where a number is known."""
    lost_exact: bool = False
    position: bytes | None = None


@dataclass(slots=True, init=False)
class Event:
    """One Celery event exactly as sent. 0..n of them come out of one Delivery."""

    type: str
    fields: Fields
    delivery: Delivery
    index: int | None
    """Its place in the delivery's list; None when the body was a single object."""
    names: Names | None
    """
    Those of its fields, in any order but `type` last; one object for all events of a type. A note of the stage that
    looked each of them up, so that nobody compares them again. None: it did not.
    """

    def __init__(self, type: str, fields: Fields, delivery: Delivery, index: int | None) -> None:
        self.type = type
        self.fields = fields
        self.delivery = delivery
        self.index = index
        self.names = None


@dataclass(slots=True)
class Failure:
    """Why a delivery, or one index of its list, is no valid event. Holds no value of the event: it goes to logs."""

    reason: str
    """content-type, too-large, decode, shape, schema, poison (or sink: refused by the sink)."""
    error: str
    index: int | None = None
    path: str = ""
    """JSON pointer into the event; empty for the event itself."""
    schema: str = ""
    """File name of the schema that was violated."""


@dataclass(slots=True)
class OwnFault(Failure):
    """We failed, and no event is to suffer for it: it is kept as a dead letter, whatever becomes of invalid ones."""


@dataclass(slots=True, init=False)
class Tagged(Event):
    """
    An event that violates its schema and is forwarded with a mark (`--on-invalid tag`).

    Its `fields` are those that fit their place in the record, and a `timestamp` whatever was sent.
    """

    sent: Fields
    """All fields as sent."""
    violations: Sequence[Failure]
    """1..n of them."""
    timed: bool
    """Whether `timestamp` is the sender's; else it is when we read the event."""
    known_sender: bool
    """Whether hostname and timestamp are the sender's: what the state is built on."""

    def __init__(
        self,
        type: str,
        fields: Fields,
        delivery: Delivery,
        index: int | None,
        sent: Fields,
        violations: Sequence[Failure],
        *,
        timed: bool,
        known_sender: bool,
    ) -> None:
        Event.__init__(self, type, fields, delivery, index)  # not super(): slots make another class of this one
        self.sent = sent
        self.violations = violations
        self.timed = timed
        self.known_sender = known_sender


TOLD: Final = 1
"""A bit of `Context.shape`."""

UNSHAPED: Final = -1


@dataclass(slots=True)
class Context:
    """What the state knew of the event's task after it folded the event in. Valid until the next event is folded."""

    state: str
    """The task's state, e.g. SUCCESS; empty when the event belongs to no known task."""
    known: dict[str, Any]
    """Record field -> value, formatted as the record shows it. Shared with the state: read only."""
    complete: bool = True
    """False when neither task-sent nor task-received of this task was seen."""
    shape: int = UNSHAPED
    """
    Equal numbers mean equal names in `known`. The bit TOLD: it holds all that this very event said of its task, nulls
    left out (task-sent, task-received). UNSHAPED: whoever needs to know must look.
    """


@dataclass(slots=True, init=False)
class Record:
    """One outbound item."""

    value: bytes
    topic: str
    key: bytes | None
    timestamp_ms: int
    headers: Sequence[Header] | bytes
    """Pairs, or as Kafka stores them: see `bridge.headers`."""
    origin: Delivery | None
    """None: born of a Gap or a snapshot, not of a broker message."""
    events: int
    """How many events it stands for in the accounts: 1, or the failed events of a dead letter, or 0 for our own."""
    index: int | None
    """Which event of its delivery's list it is; None when the body was a single object, and for what is no event."""

    def __init__(
        self,
        value: bytes,
        topic: str = "",
        key: bytes | None = None,
        timestamp_ms: int = 0,
        headers: Sequence[Header] | bytes = (),
        origin: Delivery | None = None,
        events: int = 1,
        index: int | None = None,
    ) -> None:
        self.value = value
        self.topic = topic
        self.key = key
        self.timestamp_ms = timestamp_ms
        self.headers = headers
        self.origin = origin
        self.events = events
        self.index = index


@dataclass(slots=True)
class Tally:
    """The accounts of some deliveries, in events: received = delivered + dead_lettered + filtered."""

    received: int = 0
    delivered: int = 0
    dead_lettered: int = 0
    filtered: int = 0
