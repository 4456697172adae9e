"""The time without a connection: what it is called in the log, and the gap it may have made."""

import structlog

from bridge.clock import Clock
from bridge.errors import BridgeError
from bridge.model import Gap
from bridge.sources.kombu import refusal

_REMIND_SECONDS = 60.0
"""A trouble that does not change is logged again after this long."""

_log = structlog.get_logger()


class Outage:
    """
    From the loss of a connection (or the first attempt) to the next one, however many attempts lie between.

    Args:
        shown: the broker, as logs show it.
        clock: times the reminders.
    """

    def __init__(self, shown: str, clock: Clock) -> None:
        self._shown = shown
        self._clock = clock
        self._whole_until: float | None = None
        self._trouble: str | None = None
        self._told_at = 0.0

    def begin(self, error: Exception, heard_at: float) -> None:
        """The connection is lost; the broker was heard last at `heard_at`, seconds since the epoch."""
        self._whole_until = heard_at
        self._tell("broker connection lost", error)
        if not isinstance(error, (*refusal.BROKEN, BridgeError)):
            _log.warning("unexpected error of the transport", broker=self._shown, exc_info=error)

    def attempt_failed(self, error: Exception) -> None:
        """It could not be made again; logged when the reason changes, and as a reminder."""
        self._tell("broker not reached, trying again", error)

    def end(self, reason: str | None, connected_at: float) -> Gap | None:
        """
        There is a connection; the server confirmed it at `connected_at`.

        Args:
            reason: why events may have been lost, or None.

        Returns:
            The gap; None without a reason or before anything could be lost (the first connection).
        """
        _log.info("broker connected", broker=self._shown, again=self._whole_until is not None)
        whole_until, self._whole_until, self._trouble = self._whole_until, None, None
        return Gap(reason, whole_until, connected_at) if reason and whole_until is not None else None

    def _tell(self, phrase: str, error: Exception) -> None:
        now, trouble = self._clock.monotonic(), f"{phrase}: {refusal.brief(error)}"
        if trouble != self._trouble or now - self._told_at >= _REMIND_SECONDS:
            _log.warning(phrase, broker=self._shown, reason=refusal.brief(error), kind=type(error).__name__)
            self._trouble, self._told_at = trouble, now
