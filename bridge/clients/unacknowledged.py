"""How long bytes that nobody acknowledges may lie on the wire."""

import asyncio
import contextlib
import socket


def bound_unacknowledged(transport: asyncio.BaseTransport, seconds: float) -> None:
    """
    Have the system end a connection whose other side has not acknowledged what we sent for so long: a dead router, or a
    link that carries one direction only, else is found out by missing heartbeats, and not from this end.

    Nothing happens where the system has no such thing, and to what is no TCP. The other side acknowledges what its
    program does not read; but one that takes nothing more for so long is ended as well.
    """
    sock = transport.get_extra_info("socket")
    if sock is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))
