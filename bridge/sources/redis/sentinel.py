"""Which server is the master: what Redis's sentinels say."""

import asyncio

import hiredis

from bridge.clock import Clock
from bridge.errors import BridgeError, ConnectError
from bridge.sources.redis.address import Address, Place
from bridge.sources.redis.dial import dial
from bridge.sources.redis.login import introduce
from bridge.sources.redis.refusal import while_connecting

_SENTINEL_SECONDS = 1.0
"""For one sentinel to answer; they are meant to be near, and the next one knows as much."""


class Sentinels:
    """
    Asks one after the other, who answered last time first (redis.io/docs, "Sentinel client spec").

    Args:
        address: one with a master's name.
    """

    def __init__(self, address: Address, clock: Clock) -> None:
        self._address = address
        self._clock = clock
        self._places = list(address.places)

    async def master(self) -> Place:
        """
        Where the master listens now.

        Raises:
            ConnectError, CredentialsError: none of them said; the last one's reason.
        """
        refusal: BridgeError | None = None
        for place in list(self._places):
            try:
                async with asyncio.timeout(_SENTINEL_SECONDS):
                    master = await self._ask(place)
            except (OSError, hiredis.HiredisError) as error:  # TimeoutError is an OSError
                refusal = while_connecting(error, f"sentinel {place}")
                continue
            if master is not None:
                self._places.remove(place)
                self._places.insert(0, place)
                return master
            refusal = ConnectError(f"sentinel {place} knows no master {self._address.master_name}")
        assert refusal is not None  # noqa: S101 - a URL has at least one sentinel
        raise refusal

    async def _ask(self, place: Place) -> Place | None:
        address = self._address
        wire = await dial(place, address.sentinel_tls, address.channel, self._clock)
        try:
            if address.sentinel_login.password is not None:
                await introduce(wire, address.sentinel_login, name=address.client_name, protocol=2)
            answer = await wire.ask("SENTINEL", "get-master-addr-by-name", address.master_name or "")
        finally:
            await wire.close()
        return Place(answer[0].decode(), int(answer[1])) if answer else None
