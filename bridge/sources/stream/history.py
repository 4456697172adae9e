"""What a stream holds before a place in it: read over a connection of its own, which leaves no trace at the broker."""

import asyncio
from collections.abc import AsyncGenerator

from bridge.clock import Clock
from bridge.errors import ConnectError, SourceError
from bridge.model import Delivery, Gap
from bridge.sources.amqp.address import Address
from bridge.sources.stream.dial import Dial
from bridge.sources.stream.intake import Intake
from bridge.sources.stream.link import Link
from bridge.sources.stream.messages import offset_of
from bridge.sources.stream.place import Place

_PREFETCH = 10_000
_MAX_BYTES = 16 * 1024 * 1024
"""Read and not yet taken by who asked, at most."""

_IDLE_SECONDS = 1.0
"""What a stream holds comes without a pause: after so long nothing more is there."""


async def history(
    dial: Dial, server: tuple[Address, int], first: int, end: int, *, seconds: float, clock: Clock
) -> AsyncGenerator[tuple[list[Delivery], int]]:
    """
    The messages with offsets from `first` to before `end`, in order, each time with how many offsets are left.

    Nothing is settled or stored. Close it (`contextlib.aclosing`) when it is not read to its end.

    Args:
        dial: of the source whose past it is.
        server: address and port for streams.
        seconds: to connect and get the first message, at most.

    Raises:
        BridgeError, OSError: the connection could not be made, or is lost.
        SourceError: the stream ends before `end`: it is another one.
    """
    arrived = asyncio.Event()
    intake = Intake(_PREFETCH, _MAX_BYTES, clock, changed=arrived.set)
    intake.begin(Place("offset", first))
    deadline = asyncio.get_running_loop().time() + seconds
    async with asyncio.timeout_at(deadline):
        link, _ = await dial.open(*server, intake)
    try:
        link.lost.add_done_callback(lambda _: arrived.set())
        async with asyncio.timeout_at(deadline):
            await link.subscribe()
        reached = first
        while reached < end:
            items = await _next(link, intake, arrived, seconds if reached == first else _IDLE_SECONDS)
            reached = _reached(items)
            deliveries = [item for item in items if isinstance(item, Delivery)]
            yield [one for one in deliveries if offset_of(one.position or b"") <= end], max(end - reached, 0)
            intake.settle(deliveries)
            link.proceed()
    finally:
        await link.close(polite=False)


async def _next(link: Link, intake: Intake, arrived: asyncio.Event, seconds: float) -> list[Delivery | Gap]:
    """What came, at least one item; what was lost before the oldest message is no matter here."""
    while not (items := intake.held.take()):
        if link.lost.done():
            raise link.lost.result()
        arrived.clear()
        try:
            async with asyncio.timeout(seconds):
                await arrived.wait()
        except TimeoutError:
            raise SourceError("the stream does not reach our position") from None
    if any(isinstance(item, Gap) and item.reason == "stream-replaced" for item in items):
        raise SourceError("the stream ends below our position")
    return items


def _reached(items: list[Delivery | Gap]) -> int:
    position = items[-1].position
    if position is None:
        raise ConnectError("an item of a stream without a position")
    return offset_of(position)
