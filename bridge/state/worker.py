"""One worker as we hear it. Alive is who was heard lately, by our own clock and never by the worker's."""

from bridge.model import Fields

DEFAULT_FREQ = 60.0
"""Seconds between heartbeats where a worker never said (celery.events.state.Worker's own default)."""

MISSED_HEARTBEATS = 2
"""A worker is lost after twice its interval without a sign (celery.events.state.HEARTBEAT_EXPIRE_WINDOW, 200 %)."""

PROCESSES = 4
"""Of one name whose starts are counted: the one that is and the one before it, and room for two that share a name."""

COUNTERS = ("active", "processed", "loadavg")
SOFTWARE = ("sw_ident", "sw_ver", "sw_sys")


class Worker:
    """What is known of one node name. Changed by its owner, `ClusterState`, only."""

    __slots__ = (*COUNTERS, *SOFTWARE, "freq", "heard_at", "heartbeat_at", "hostname", "online", "pid", "starts")

    def __init__(self, hostname: str) -> None:
        self.hostname = hostname
        self.pid: float | None = None
        """To JSON Schema 7.0 is an integer too, here and in the counters: what a worker says is kept as it is said."""
        self.freq: float = DEFAULT_FREQ
        self.active: float | None = None
        self.processed: float | None = None
        self.loadavg: list[float] | None = None
        self.sw_ident: str | None = None
        self.sw_ver: str | None = None
        self.sw_sys: str | None = None
        self.heartbeat_at: float | None = None
        """The worker's own time of its newest worker event: reported, never compared with ours."""
        self.heard_at: float | None = None
        """Our time of the newest event from it, seconds since the epoch; None where the source has no clock."""
        self.online = True
        self.starts: dict[float | None, int] = {}
        """How many `task-started` were seen of it, by the pid they carry; of the newest processes only."""

    def count_start(self, pid: float | None) -> None:
        """A `task-started` of it was seen for the first time."""
        starts = self.starts
        seen = starts.get(pid)
        if seen is not None:
            starts[pid] = seen + 1
            return
        if len(starts) >= PROCESSES:
            del starts[next(iter(starts))]
        starts[pid] = 1

    def fold(self, subject: str, fields: Fields, received_at: float | None) -> None:
        """Take a `worker-<subject>` event into account; only documented fields count (case 7)."""
        if subject == "offline":
            self.online = False
        elif subject in ("online", "heartbeat"):
            self.online = True
        else:
            self.hear(received_at)
            return
        self.hear(received_at)
        self.pid = fields.get("pid", self.pid)
        self.heartbeat_at = fields["timestamp"]
        freq = fields.get("freq")
        # An answer to the `heartbeat` command says freq 5 and has no counters: it is no promise to send each 5 s.
        if isinstance(freq, int | float) and freq > 0 and fields.get("active") is not None:
            self.freq = float(freq)
        for name in (*COUNTERS, *SOFTWARE):
            value = fields.get(name)
            if value is not None:
                setattr(self, name, value)

    def hear(self, received_at: float | None) -> None:
        """Any event from it is a sign of life; after `worker-offline` it no longer counts (case 6)."""
        if received_at is not None and (self.heard_at is None or received_at > self.heard_at):
            self.heard_at = received_at

    def alive(self, now: float) -> bool:
        """Whether it was heard within twice its interval before `now` (our clock) and did not say goodbye."""
        if not self.online:
            return False
        return self.heard_at is None or now < self.heard_at + self.freq * MISSED_HEARTBEATS
