"""uvloop's event loop, where it is installed (extra `uvloop`), with the one thing that it does not do as we need it."""

import asyncio
import socket
from functools import partial
from typing import Any

import uvloop


class LibuvLoop(uvloop.Loop):
    """
    uvloop, but host names are looked up where the default executor says.

    By itself it looks them up on libuv's own threads, and those are waited for when the process exits
    (`uv_library_shutdown`): with a name server that is down, for longer than an orchestrator waits.
    """

    async def getaddrinfo(
        self, host: Any, port: Any, *, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> Any:
        """As asyncio's own. Raises socket.gaierror."""
        look_up = partial(socket.getaddrinfo, host, port, family, type, proto, flags)
        return await self.run_in_executor(None, look_up)

    async def create_connection(self, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any) -> Any:
        """
        As asyncio's own: each address of the host in turn.

        Raises:
            OSError: the host has no address, or none can be reached; of the last one tried.
        """
        if not isinstance(host, str) or _is_address(host):
            return await super().create_connection(protocol_factory, host, port, **options)
        if options.get("ssl"):
            options.setdefault("server_hostname", host)
        found = await self.getaddrinfo(
            host, port, family=options.get("family", 0), type=socket.SOCK_STREAM, flags=options.get("flags", 0)
        )
        failure: OSError | None = None
        for _, _, _, _, address in found:
            try:
                return await super().create_connection(protocol_factory, address[0], port, **options)
            except OSError as error:
                failure = error
        raise failure or OSError(f"{host} has no address")


def _is_address(host: str) -> bool:
    try:
        socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
    except OSError:
        return False
    return True


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A loop for `asyncio.Runner`."""
    return LibuvLoop()
