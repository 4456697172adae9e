"""From an address to a connection that delivers."""

import asyncio
import contextlib
from typing import Any

import hiredis

from bridge.clock import Clock
from bridge.errors import BridgeError, ConnectError
from bridge.sources.redis.address import Address, Place
from bridge.sources.redis.dial import dial
from bridge.sources.redis.envelope import Envelopes
from bridge.sources.redis.login import introduce
from bridge.sources.redis.refusal import refused, while_connecting
from bridge.sources.redis.sentinel import Sentinels
from bridge.sources.redis.wire import Wire

CONNECT_SECONDS = 4.0
"""A server that accepts and says nothing is given up after this long; below the 5 s that closing may take."""


class Subscriber:
    """
    Makes subscribed connections to one address, one at a time.

    Args:
        envelopes: what was learned of them outlives a connection.
        clock: dates deliveries.
    """

    def __init__(self, address: Address, envelopes: Envelopes, clock: Clock) -> None:
        self._address = address
        self._envelopes = envelopes
        self._clock = clock
        self._sentinels = Sentinels(address, clock) if address.master_name is not None else None
        self._master: Place | None = None
        self.ping_seconds = address.ping_seconds

    @property
    def follows(self) -> bool:
        """Whether sentinels say which server is the right one, so that it may change under a connection."""
        return self._sentinels is not None

    async def connect(self) -> Wire:
        """
        A connection whose subscription the server has confirmed.

        Raises:
            ConnectError, CredentialsError: it did not work.
        """
        try:
            if self._sentinels is not None:
                self._master = await self._sentinels.master()
            async with asyncio.timeout(CONNECT_SECONDS):
                place = self._master or self._address.places[0]
                wire = await dial(place, self._address.tls, self._address.channel, self._clock, self._envelopes)
                try:
                    await self._subscribe(wire)
                except BaseException:
                    await wire.close()
                    raise
        except (BridgeError, OSError, hiredis.HiredisError) as error:  # TimeoutError is an OSError
            raise while_connecting(error, self._shown) from error
        return wire

    async def moved(self) -> bool:
        """Whether the sentinels now name another master than the one we are connected to; False when none answers."""
        if self._sentinels is None:
            return False
        with contextlib.suppress(BridgeError):
            return await self._sentinels.master() != self._master
        return False

    @property
    def _shown(self) -> str:
        return self._address.shown if self._master is None else f"{self._address.shown} (master {self._master})"

    async def _subscribe(self, wire: Wire) -> None:
        address = self._address
        await introduce(wire, address.login, name=address.client_name, protocol=address.protocol)
        await self._check_database(wire)
        if self._sentinels is not None:
            await self._check_role(wire)
        command, pattern = address.channel.command
        wire.whole_at = self._clock.now()
        try:
            await wire.ask(command, pattern)
        except hiredis.ReplyError as error:
            raise refused(error, self._shown, f"{command} {pattern}") from error

    async def _check_database(self, wire: Wire) -> None:
        """Publish/subscribe knows no databases, but one that the server does not have is nobody's."""
        if self._address.database:
            await _ask_if_allowed(wire, "SELECT", str(self._address.database))

    async def _check_role(self, wire: Wire) -> None:
        """A server that was master a moment ago may be asked before the sentinels have told it otherwise."""
        answer = await _ask_if_allowed(wire, "ROLE")
        if answer is not None and answer[0] != b"master":
            raise ConnectError(f"{self._shown} is {answer[0].decode(errors='replace')}, not master")


async def _ask_if_allowed(wire: Wire, *words: str) -> Any:
    """The answer; None when the user has no right to ask, as one that may only subscribe."""
    try:
        return await wire.ask(*words)
    except hiredis.ReplyError as error:
        if not str(error).startswith("NOPERM"):
            raise
        return None
