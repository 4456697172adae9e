"""Tells a bad record from a topic that takes none."""

from bridge.model import Record

# One bad record is rarely alone: two may become dead letters before somebody is asked.
_IN_A_ROW = 3


class Streak:
    """
    Refusals of single records, one after another, each for the same reason, with nothing taken in between: then it is
    not the records' fault (a policy of the cluster, a compacted topic and records without keys, a broken disk), and
    going on would empty the stream into the dead letters. Keep one for a topic.
    """

    def __init__(self) -> None:
        self._reason = ""
        self._record: Record | None = None
        self._records = 0

    def refused(self, record: Record, reason: str) -> bool:
        """A record was refused alone; the same again counts once. Returns whether the topic is to blame."""
        if reason != self._reason:
            self._reason, self._record, self._records = reason, None, 0
        if record is not self._record:
            self._record = record
            self._records += 1
        return self._records >= _IN_A_ROW

    def broken(self) -> None:
        """A record was taken."""
        self._reason, self._record, self._records = "", None, 0
