"""When to show the broker that we live, and when to believe that it does not."""


class Heartbeat:
    """
    A heartbeat is sent twice per interval; two intervals of silence are a dead connection (AMQP 0-9-1, 4.2.7). No I/O;
    whoever owns it calls `beat` about four times per interval.

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
            ConnectionAbortedError: the broker was silent for two intervals.
        """
        if not reading:
            self._heard_at = now
        if not self.interval_seconds:
            return False
        if now - self._heard_at > 2 * self.interval_seconds:
            raise ConnectionAbortedError(f"the broker was silent for {2 * self.interval_seconds:g} s")
        due = now - self._sent_at >= self.interval_seconds / 2
        if due:
            self._sent_at = now
        return due
