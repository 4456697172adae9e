"""From a place to an open connection."""

import asyncio
import ssl

from bridge.clock import Clock
from bridge.sources.redis.address import Place
from bridge.sources.redis.channel import Channel
from bridge.sources.redis.envelope import Envelopes
from bridge.sources.redis.replies import Replies
from bridge.sources.redis.wire import Wire


async def dial(
    place: Place,
    tls: ssl.SSLContext | None,
    channel: Channel,
    clock: Clock,
    envelopes: Envelopes | None = None,
) -> Wire:
    """
    Connect; nothing was said as yet.

    Raises:
        OSError: nobody is there, or its certificate is none that we trust.
    """

    def make() -> Wire:
        return Wire(Replies(channel, envelopes or Envelopes()), clock)

    loop = asyncio.get_running_loop()
    if place.path:
        _, wire = await loop.create_unix_connection(make, place.path)
    else:
        name = place.host if tls is not None else None
        _, wire = await loop.create_connection(make, place.host, place.port, ssl=tls, server_hostname=name)
    return wire
