"""Tells the log that Kafka does not take records, and that it does again: by state, not by attempt."""

import structlog

from bridge.clock import Clock
from bridge.telemetry import Status

EVERY_SECONDS = 60.0
_REASONS = 16  # different ones that are told at once in one outage; servers that flap may have any number

log = structlog.get_logger()


class Outage:
    """
    The state of one sink. `down` logs at once when it begins or has a new reason, then every EVERY_SECONDS; `up` logs
    when it ends.

    Args:
        where: what to call the other end, without credentials.
    """

    def __init__(self, where: str, clock: Clock) -> None:
        self._where = where
        self._clock = clock
        self._since: float | None = None
        self._told_at = 0.0
        self._reasons: set[str] = set()
        self._connected = False

    @property
    def status(self) -> Status:
        """STARTING until it first was up, then OK or FAILING."""
        if not self._connected:
            return Status.STARTING
        return Status.OK if self._since is None else Status.FAILING

    @property
    def is_down(self) -> bool:
        """Whether `down` was said after the last `up`."""
        return self._since is not None

    def wants_news(self) -> bool:
        """Whether `down` would log now whatever the reason is: to find a reason may cost a connection."""
        return self._since is None or self._clock.monotonic() - self._told_at >= EVERY_SECONDS

    def down(self, reason: str, *, unconfirmed: int = 0) -> None:
        """It does not work, for this reason; `unconfirmed` sends wait for it."""
        now = self._clock.monotonic()
        if self._since is None:
            self._since = now
            self._reasons.clear()
        news = reason not in self._reasons and len(self._reasons) < _REASONS
        if not news and now - self._told_at < EVERY_SECONDS:
            return
        self._reasons.add(reason)
        self._told_at = now
        log.warning(
            "waiting for kafka",
            kafka=self._where,
            reason=reason,
            waited_seconds=round(now - self._since, 1),
            unconfirmed_sends=unconfirmed,
        )

    def up(self) -> None:
        """It works; says nothing when that is no news."""
        if self._since is not None:
            waited = round(self._clock.monotonic() - self._since, 1)
            log.info(
                "kafka takes records again" if self._connected else "kafka connected",
                kafka=self._where,
                waited_seconds=waited,
            )
        elif not self._connected:
            log.info("kafka connected", kafka=self._where)
        self._since = None
        self._connected = True


class Refusals:
    """Tells the log of refused records, the first at once, then every EVERY_SECONDS how many more there were."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told_at = float("-inf")
        self._untold = 0

    def add(self, topic: str, reason: str) -> None:
        """One record became a dead letter."""
        self._untold += 1
        now = self._clock.monotonic()
        if now - self._told_at >= EVERY_SECONDS:
            log.warning("kafka refuses records for ever", topic=topic, reason=reason, records=self._untold)
            self._told_at = now
            self._untold = 0
