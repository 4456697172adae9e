"""From a place to an open connection."""

import asyncio
from collections.abc import Mapping

from bridge.clients.tls import renewed_context
from bridge.clock import Clock
from bridge.sources.redis.address import Place
from bridge.sources.redis.channel import Channel
from bridge.sources.redis.envelope import Envelopes
from bridge.sources.redis.replies import Replies
from bridge.sources.redis.wire import Wire


async def dial(
    place: Place,
    tls: Mapping[str, str] | None,
    channel: Channel,
    clock: Clock,
    envelopes: Envelopes | None = None,
) -> Wire:
    """
    Connect; nothing was said as yet.

    Args:
        tls: the files of `clients.tls`, read anew; None: no TLS.

    Raises:
        OSError: nobody is there, or its certificate is none that we trust.
        ConnectError: a file of TLS cannot be read now.
    """

    def make() -> Wire:
        return Wire(Replies(channel, envelopes or Envelopes()), clock)

    loop = asyncio.get_running_loop()
    if place.path:
        _, wire = await loop.create_unix_connection(make, place.path)
    else:
        context = None if tls is None else renewed_context(tls, str(place))
        name = None if tls is None else place.host
        _, wire = await loop.create_connection(make, place.host, place.port, ssl=context, server_hostname=name)
    return wire
