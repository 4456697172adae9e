"""
How many events never reached us, told by what the workers themselves count.

A worker's heartbeat, `worker-online` and `worker-offline` carry `processed`: how many tasks it has accepted since its
process began (celery/worker/state.py, `all_total_count`). It goes up by one right before each `task-started` is sent
(celery/worker/request.py, `on_accepted`) and over the same connection, so what a worker counts and we did not see was
lost on the way. Pure; no I/O, no clock.
"""

from collections import OrderedDict
from collections.abc import Mapping

from bridge.model import Fields

MAX_WORKERS = 5_000
"""celery.events.State's own bound. Who reported longest ago is forgotten, and what it lost stays counted."""

MUTE_REPORTS = 3
"""A worker that goes on working through so many reports in a row, and of which no start is seen, sends no task events
(no `-E`, or `disable_events`): an outage takes its reports away too, so it is one long interval and not several."""


class _Process:
    """One process of a worker: what it counted, and what was seen of it, between two of its reports."""

    __slots__ = ("before", "muted", "now", "pending", "pid", "processed", "quiet", "seen", "sends")

    def __init__(self, pid: int, processed: int, seen: int, *, sends: bool, muted: bool) -> None:
        self.pid = pid
        self.processed = processed
        self.seen = seen
        self.sends = sends
        """Whether a start of it, or of its predecessor, was ever seen."""
        self.muted = muted
        """Whether it sends no task events for now."""
        self.quiet = 0
        self.pending = 0
        self.now = self.before = 0
        """Missing starts as of the last report and of the one before it."""

    @property
    def lost(self) -> int:
        """
        Missing at two reports in a row: a start that is counted and not sent yet (a pool of threads may be there when
        the heartbeat is) is missing at one.
        """
        return max(0, min(self.before, self.now)) if self.sends else 0

    def report(self, processed: int, seen: int, *, last: bool) -> None:
        """It has processed so many tasks, of which we saw so many start; `last`: and it will do no more."""
        done, started = processed - self.processed, seen - self.seen
        self.processed, self.seen = processed, seen
        self.before = self.now
        if done >= 0 and started > 0:
            if not self.muted:
                self.now += done - started
            self.sends, self.muted, self.quiet, self.pending = True, False, 0, 0
        elif done > 0 and started == 0 and not self.muted:
            self._heard_nothing(done)
        # else: idle, muted, or counted anew because somebody forgot
        if last:
            self.before = self.now

    def _heard_nothing(self, done: int) -> None:
        self.quiet += 1
        self.pending += done
        self.now += done
        if self.quiet >= MUTE_REPORTS:
            self.now -= self.pending
            self.before = min(self.before, self.now)
            self.muted, self.pending = True, 0


class Losses:
    """
    Compares what workers count with what was seen of them. Belongs to one chain.

    An estimate, because a lost task start stands for all that was lost around it: `events` takes as many events for
    each as there were for each start that was seen. Not counted: what a process does between its last report and a
    death without one; workers that send no task events; what was lost before a worker's first report, unless another
    process of the same name was known before. An event that breaks its schema counts as not seen.
    """

    def __init__(self) -> None:
        self._processes: OrderedDict[str, _Process] = OrderedDict()
        self._ended = 0

    @property
    def starts(self) -> int:
        """Task starts that were lost, of all workers."""
        return self._ended + sum(process.lost for process in self._processes.values())

    def events(self, received: int, starts: int) -> int:
        """
        The estimate.

        Args:
            received: events received, of all kinds.
            starts: task starts among them.
        """
        return round(self.starts * received / starts) if starts else 0

    def report(self, subject: str, fields: Fields, seen: Mapping[float | None, int]) -> None:
        """
        Take a `worker-<subject>` event into account; one without counters (an answer to a command) says nothing.

        Args:
            fields: valid by its schema.
            seen: starts seen of this worker so far, by the pid in them.
        """
        processed, hostname, pid = fields.get("processed"), fields["hostname"], fields.get("pid")
        if type(processed) is not int or type(pid) is not int:
            return
        known = self._processes.get(hostname)
        if known is None:
            count = seen.get(pid, 0)
            self._processes[hostname] = _Process(pid, processed, count, sends=count > 0, muted=False)
            if len(self._processes) > MAX_WORKERS:
                _, forgotten = self._processes.popitem(last=False)
                self._ended += forgotten.lost
            return
        self._processes.move_to_end(hostname)
        if known.pid != pid:  # it began after its predecessor's last report, when we already listened: at 0
            self._ended += known.lost
            known = self._processes[hostname] = _Process(pid, 0, 0, sends=known.sends, muted=known.muted)
        known.report(processed, seen.get(pid, 0), last=subject == "offline")
