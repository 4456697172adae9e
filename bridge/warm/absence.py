"""What a broker that keeps nothing for us lost while no bridge was there: told by the next one, in a gap."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from bridge.clock import Clock
from bridge.model import Delivery, Gap
from bridge.sources import Source
from bridge.warm.file import StateFile


class Absence:
    """
    Fulfils `bridge.sources.Source` by another one that forgets what it does not hand out. Before anything else stands a
    Gap, from the moment that the last process saved to the one when this one was connected. At the first start there is
    none, for nobody was absent.

    What was handed out comes in the order in which it was read. So when a delivery is settled everything is that was
    read before, and a window from there on holds all that was lost: also what only the memory of a killed process held.

    Args:
        file: loaded between connecting and `start`; is told up to when all is settled.
        clock: dates the end of the gap.
    """

    def __init__(self, source: Source, file: StateFile, clock: Clock) -> None:
        self._source = source
        self._file = file
        self._clock = clock
        self._connected_at: float | None = None
        self._gap: Gap | None = None

    async def __aenter__(self) -> Self:
        """As that of the source."""
        await self._source.__aenter__()
        if self._connected_at is None:
            self._connected_at = self._clock.now()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """As that of the source."""
        await self._source.__aexit__(kind, error, trace)

    async def acquire(self) -> None:
        """As that of the source."""
        await self._source.acquire()

    async def start(self, position: bytes | None) -> None:
        """As that of the source."""
        since, until = self._file.whole_until, self._connected_at
        if since is not None and until is not None:
            self._gap = Gap("disconnected", min(since, until), until)  # where the clock was set back: an empty window
        self._connected_at = None
        await self._source.start(position)

    async def read(self) -> list[Delivery | Gap]:
        """As that of the source."""
        if self._gap is not None:
            gap, self._gap = self._gap, None
            return [gap]
        return await self._source.read()

    def settle(self, deliveries: Sequence[Delivery]) -> None:
        """As that of the source."""
        if deliveries:
            self._file.whole_until = deliveries[-1].received_at
        self._source.settle(deliveries)

    def stop(self) -> None:
        """As that of the source."""
        self._source.stop()
