"""Whether RabbitMQ is short of memory or disk and blocks all publishers, which it tells nobody but a publisher."""

import contextlib
from itertools import count

from pamqp import body, commands, frame, header

from bridge.clock import Clock
from bridge.sources.amqp.address import Address, addresses
from bridge.sources.amqp.handshake import connect

ASK_SECONDS = 10.0
"""Between two signs of a publisher, and two attempts to connect: RabbitMQ looks for its own alarms as rarely (disk)."""

_CHANNEL = 1

_BEGUN = frame.marshal(commands.Basic.Publish(), _CHANNEL) + frame.marshal(
    header.ContentHeader(0, 1, commands.Basic.Properties()), _CHANNEL
)
"""A message of one byte, which never comes."""

_NOTHING = frame.marshal(body.ContentBody(b""), _CHANNEL)
"""A frame of its body without any of it."""


class Alarms:
    """
    RabbitMQ sends `connection.blocked` to who sends content while an alarm is on, and then reads nothing more from that
    connection until the alarm is over (rabbit_reader's `maybe_block`; measured on 3.10: who only consumes is told
    nothing). So this is a connection of its own, which no acknowledgement depends on. Its only message is never whole:
    so nothing is published, and no right is needed. What it hears is logged by `Connection`.

    Args:
        url: of the broker, as `AmqpSource`.
        clock: times the signs.

    Raises:
        ConfigError: the URL can never work.
    """

    def __init__(self, url: str, clock: Clock) -> None:
        self._addresses = addresses(url)
        self._clock = clock

    async def watch(self) -> None:
        """
        Until cancelled. Never raises: what is wrong with the broker is said by who reads it, and who reads it comes
        first, where the broker allows only so many connections.
        """
        for attempt in count():
            await self._clock.sleep(ASK_SECONDS)
            with contextlib.suppress(Exception):  # a host that is no name at all is a UnicodeError
                await self._listen(self._addresses[attempt % len(self._addresses)])

    async def _listen(self, address: Address) -> None:
        connection = await connect(address, "celery-event-bridge alarms", clock=self._clock)
        try:
            await connection.open_channel()
            connection.write(_BEGUN)
            while connection.error is None:
                await self._clock.sleep(ASK_SECONDS)
                if not connection.blocked:
                    connection.write(_NOTHING)
        finally:
            if connection.blocked:
                connection.abort()  # a farewell would not be read
            await connection.close()
