"""What an event looks like outside: one file per output format, and the interface that `encode` calls."""

from typing import Protocol

from bridge.model import Context, Event


class Format(Protocol):
    """
    Writes one event. An instance may remember what it wrote before (widths, names of tasks), so one chain owns it.

    It is total: whatever `decode` returned and validation let through (with marks: nearly anything) is written.
    """

    def __call__(self, event: Event, context: Context, event_id: str, event_time: str, observed_time: str) -> bytes:
        """
        One event as the bytes of one line, without the line's end.

        Args:
            event: as decoded; never changed.
            context: what the state knew of its task; valid only during the call.
            event_id: of the event (see `identify`).
            event_time: its timestamp, as the record shows it.
            observed_time: when it was read, as the record shows it.

        Returns:
            UTF-8 without a newline inside.

        Raises:
            Nothing.
        """
        ...
