"""Plain counters of a chain, and the status of its ends. Counted per batch; read when somebody looks."""

from dataclasses import dataclass, field
from enum import StrEnum

from bridge.model import Tally


class Status(StrEnum):
    """What one end of a chain is doing."""

    STARTING = "starting"
    OK = "ok"
    FAILING = "failing"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(slots=True)
class Counters:
    """
    The accounts of one chain, in events unless said otherwise.

    The identity `received = delivered + dead_lettered + filtered + unsettled` holds whenever no batch is being moved:
    the first is counted when a batch is transformed, the next three when it is settled. `bridge-*` records are outside.
    """

    received: int = 0
    delivered: int = 0
    dead_lettered: int = 0
    filtered: int = 0
    deliveries_read: int = 0
    deliveries_settled: int = 0
    redelivered: int = 0
    """Deliveries that the broker marked as sent before."""
    gaps: int = 0
    unsettled: int = field(default=0)
    """Events of batches that were transformed and are not settled."""
    refusals: int = 0
    """Of the unsettled events, those that the sink refused: settled as dead letters, though their batch said other."""
    queue_messages: int | None = None
    """Messages that wait in our queue on the broker, without those read and not settled; None: not known."""

    def took(self, tally: Tally, deliveries: int, redelivered: int) -> None:
        """A batch was transformed."""
        self.received += tally.received
        self.unsettled += tally.received
        self.deliveries_read += deliveries
        self.redelivered += redelivered

    def settled(self, tally: Tally, deliveries: int) -> None:
        """A batch is confirmed and settled."""
        refused = min(self.refusals, tally.delivered)  # sends overlap: perhaps of the next batch, the sum is the same
        self.refusals -= refused
        self.unsettled -= tally.received
        self.delivered += tally.delivered - refused
        self.dead_lettered += tally.dead_lettered + refused
        self.filtered += tally.filtered
        self.deliveries_settled += deliveries

    def refused(self, events: int) -> None:
        """The sink replaced a record of `events` events, unsettled as yet, by its dead letter."""
        self.refusals += events

    def forgot(self) -> None:
        """What is unsettled is another replica's: it was not received here."""
        self.received -= self.unsettled
        self.deliveries_read = self.deliveries_settled
        self.unsettled = self.refusals = 0

    @property
    def balanced(self) -> bool:
        """Whether the identity holds."""
        return self.received == self.delivered + self.dead_lettered + self.filtered + self.unsettled
