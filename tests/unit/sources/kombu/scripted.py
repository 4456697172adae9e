"""A broker made of a script, behind `Link`: for tests of the reader."""

import threading
from collections import deque
from collections.abc import Iterable

from bridge.model import Delivery, Gap

Step = Delivery | Gap | Exception


class ScriptedLink:
    """
    Hands out deliveries one drain at a time, raises where the script says so, and notes what is done to it.

    Args:
        steps: what the drains bring, in order; after the last one nothing.
        refuse: what `open` raises.
        reason: what `open` returns when there was a connection before.
        keeps: as `Link.keeps`.
        redelivers: as `Link.redelivers`.
        refuse_consume: what `consume` raises.
    """

    def __init__(
        self,
        steps: Iterable[Step] = (),
        *,
        refuse: Exception | None = None,
        reason: str | None = None,
        keeps: bool = True,
        redelivers: bool = False,
        refuse_consume: Exception | None = None,
    ) -> None:
        self.keeps = keeps
        self.redelivers = redelivers
        self.refuse_consume = refuse_consume
        self.heard_at = 100.0
        self.steps = deque(steps)
        self.refuse = refuse
        self.reason = reason
        self.calls: list[str] = []
        self.settled: list[object] = []
        self.prefetch = 0
        self.rooms: list[int] = []
        self.paused = threading.Event()
        self._collected: list[Delivery | Gap] = []

    def open(self, *, again: bool) -> str | None:
        self.calls.append("open")
        if self.refuse is not None:
            raise self.refuse
        return self.reason if again else None

    def consume(self, prefetch: int) -> None:
        self.calls.append("consume")
        if self.refuse_consume is not None:
            raise self.refuse_consume
        self.prefetch = prefetch

    def drain(self, seconds: float, max_bytes: int) -> None:
        self.rooms.append(max_bytes)
        if not self.steps or not (self.prefetch or not self.keeps):
            threading.Event().wait(0.001)  # as a socket with nothing to read
            return
        step = self.steps.popleft()
        if isinstance(step, Exception):
            raise step
        self._collected.append(step)

    def take(self) -> list[Delivery | Gap]:
        taken, self._collected = self._collected, []
        return taken

    def settle(self, tags: list[object]) -> None:
        self.settled += tags

    def beat(self, *, reading: bool) -> None:
        if not reading:
            self.paused.set()

    def cancel(self) -> None:
        self.calls.append("cancel")

    def close(self, *, polite: bool) -> None:
        self.calls.append("close" if polite else "drop")

    def abort(self) -> None:
        self.calls.append("abort")
