"""Events that violate their schema and are forwarded: in native records with a mark, in other formats as they were."""

import orjson

from bridge.formats import Format
from bridge.model import Context, Event, Tagged


class NativeWithTags:
    """
    Writes native records, those of `Tagged` events among them: each is valid by `schemas/record.json`. What does not
    fit its place there stands in `extra`, and `violations` says what is wrong.

    Args:
        native: writes the records of all others.
        apart: the same, but it asks of every event which fields do not fit (see `Native`), `type` never being one.
    """

    def __init__(self, native: Format, apart: Format) -> None:
        self._native = native
        self._apart = apart

    def __call__(self, event: Event, context: Context, event_id: str, event_time: str, observed_time: str) -> bytes:
        """See `bridge.formats.Format`."""
        if not isinstance(event, Tagged):
            return self._native(event, context, event_id, event_time, observed_time)
        whole = Event(event.type, {**event.sent, "timestamp": event.fields["timestamp"]}, event.delivery, event.index)
        record = orjson.loads(self._apart(whole, context, event_id, event_time, observed_time))
        if not event.timed:
            for name in ("timestamp", "event_time", "skew_seconds"):
                record.pop(name, None)
            if event.sent.get("timestamp") is not None:
                record["extra"] = {**record.get("extra", {}), "timestamp": event.sent["timestamp"]}
        record["violations"] = [
            {"path": failure.path, "error": failure.error, "schema": failure.schema} for failure in event.violations
        ]
        return orjson.dumps(record)


class AsSent:
    """Writes `Tagged` events in a format that has no place for a mark: with the fields that were sent."""

    def __init__(self, format_: Format) -> None:
        self._format = format_

    def __call__(self, event: Event, context: Context, event_id: str, event_time: str, observed_time: str) -> bytes:
        """See `bridge.formats.Format`."""
        if isinstance(event, Tagged):
            event = Event(event.type, event.sent, event.delivery, event.index)
        return self._format(event, context, event_id, event_time, observed_time)
