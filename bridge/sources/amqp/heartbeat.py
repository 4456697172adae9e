"""When to show the broker that we live, and when to believe that it does not."""

LOOKS = 8
"""So often per interval its owner looks whether one is due, and how long the broker has been silent."""

_SILENT_INTERVALS = 2 - 2 / LOOKS
"""More silence at a look is a dead connection. AMQP 0-9-1 wants it closed after two intervals (4.2.7): so it is at the
next look, also when that one comes late. RabbitMQ says something twice per interval."""


class Heartbeat:
    """
    A heartbeat is sent twice per interval; a silent connection is dead before two intervals have passed. No I/O;
    whoever owns it calls `beat` LOOKS times per interval.

    Args:
        interval_seconds: what both sides agreed on; 0: none.
        now: monotonic seconds, as in every other call.
    """

    def __init__(self, interval_seconds: float, now: float) -> None:
        self.interval_seconds = interval_seconds
        self._heard_at = self._sent_at = now

    def heard(self, now: float) -> None:
        """Something came from the broker, whatever it was."""
        self._heard_at = now

    def beat(self, now: float, *, reading: bool) -> bool:
        """
        Whether a heartbeat has to be sent now.

        Args:
            reading: False while nothing is read on purpose, so that silence says nothing.

        Raises:
            ConnectionAbortedError: the broker was silent for almost two intervals.
        """
        if not reading:
            self._heard_at = now
        if not self.interval_seconds:
            return False
        silent = now - self._heard_at
        if silent > _SILENT_INTERVALS * self.interval_seconds:
            raise ConnectionAbortedError(f"the broker was silent for {silent:.1f} s")
        due = now - self._sent_at >= self.interval_seconds / 2
        if due:
            self._sent_at = now
        return due
