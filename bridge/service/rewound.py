"""Who counts the starts of a stream that `--start` has read from elsewhere than the sink's position."""

from typing import TYPE_CHECKING

from bridge.clock import Clock
from bridge.sinks import Sink

if TYPE_CHECKING:  # at run time nobody needs it but who has a stream
    from bridge.sources.stream import StreamSource


class Rewound:
    """
    Fulfils `bridge.chain.Counting`: the sink counts, and is told where the source is going to begin. So who died there
    died of nothing that lies anywhere else.

    Args:
        clock: makes each `--start next` a place of its own, as something else lies there each time.
    """

    def __init__(self, source: "StreamSource", sink: Sink, clock: Clock) -> None:
        self._source = source
        self._sink = sink
        self._clock = clock

    async def begin(self) -> int:
        """As `Sink.begin`."""
        place = self._source.forced
        if place is None:  # another replica read meanwhile: from then on it is the position
            return await self._sink.begin()
        return await self._sink.begin(place.text if place.number is not None else f"{place.text} {self._clock.now()}")

    async def rest(self) -> None:
        """As `Sink.rest`."""
        await self._sink.rest()
