"""The time without a connection: what it is called in the log, and the gap it may have made."""

import structlog

from bridge.clock import Clock
from bridge.errors import BridgeError
from bridge.model import Gap

_REMIND_SECONDS = 60.0
"""A trouble that does not change is logged again after this long."""

_FLEETING_SECONDS = 1.0
"""Connections that live shorter, one after the other, are one outage: breaking each time is not news each time."""

_FLEETING_TOLD = 3
"""So many of them in a row are told all the same: a broker that is restarted twice in a few seconds was away twice, and
"broker connected" must not be the last word while it is. More is a flapping one."""

_REASONS = 16
"""Different troubles that are told at once in one outage; a server's words may differ every time."""

_log = structlog.get_logger()


class Outage:
    """
    From the loss of a connection (or the first attempt) to the next one, however many attempts lie between.

    Args:
        shown: the broker, as logs show it.
        clock: times the reminders.
        expected: what a broken connection raises in normal life; anything else is logged with its traceback.
    """

    def __init__(self, shown: str, clock: Clock, expected: tuple[type[Exception], ...] = (OSError,)) -> None:
        self._shown = shown
        self._clock = clock
        self._expected = (*expected, BridgeError)
        self._whole_until: float | None = None
        self._told: dict[str, float] = {}
        """Troubles of this outage, and when each was told last, on the clock's `monotonic`."""
        self._news = True
        self._fleeting = 0

    def begin(self, error: Exception, heard_at: float, *, lived: float) -> None:
        """The connection is lost after `lived` seconds; the broker was heard last at `heard_at`, since the epoch."""
        self._whole_until = heard_at
        self._fleeting = 0 if lived >= _FLEETING_SECONDS else self._fleeting + 1
        if self._fleeting <= _FLEETING_TOLD:
            self._told.clear()
        told = self._tell("broker connection lost", error)
        if told and not isinstance(error, self._expected):
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
        if self._news:
            _log.info("broker connected", broker=self._shown, again=self._whole_until is not None)
        whole_until, self._whole_until, self._news = self._whole_until, None, False
        return Gap(reason, whole_until, connected_at) if reason and whole_until is not None else None

    def _tell(self, phrase: str, error: Exception) -> bool:
        """Log it, unless it was told within the last minute; returns whether it did."""
        now, trouble = self._clock.monotonic(), f"{phrase}: {brief(error)}"
        self._told = {text: told_at for text, told_at in self._told.items() if now - told_at < _REMIND_SECONDS}
        if trouble in self._told or len(self._told) >= _REASONS:
            return False
        _log.warning(phrase, broker=self._shown, reason=brief(error), kind=type(error).__name__)
        self._told[trouble] = now
        self._news = True
        return True


def brief(error: BaseException) -> str:
    """The server's own words, or the error's, or at least its name; one line."""
    words = getattr(error, "reply_text", None) or str(error) or type(error).__name__
    if isinstance(error, TimeoutError | BlockingIOError):  # SO_RCVTIMEO and SO_SNDTIMEO end a call with the second
        words = "no answer in time"
    return " ".join(str(words).split())
