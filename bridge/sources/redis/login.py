"""How a connection introduces itself to a Redis of any age."""

import contextlib

import hiredis

from bridge.sources.redis.address import Login
from bridge.sources.redis.wire import Wire

_NO_HELLO = ("ERR unknown command", "NOPROTO", "NOPERM")
"""What a server before 6, or one that gives this user few rights, answers to HELLO: it is spoken to in RESP2."""


async def introduce(wire: Wire, login: Login, *, name: str, protocol: int) -> None:
    """
    Authenticate, take the protocol's highest version up to `protocol`, and give the connection its name.

    The name is a kindness to who reads `CLIENT LIST`: a user who may not set it goes without.

    Raises:
        hiredis.ReplyError: the server refused us.
        OSError, hiredis.ProtocolError: the connection is lost.
    """
    if protocol >= 3 and await _hello(wire, login, name):
        return
    if login.password is not None:
        await _authenticate(wire, login)
    with contextlib.suppress(hiredis.ReplyError):
        await wire.ask("CLIENT", "SETNAME", name)


async def _hello(wire: Wire, login: Login, name: str) -> bool:
    """RESP3, user and name in one question; False when the server, or this user, cannot."""
    who = () if login.password is None else ("AUTH", login.username or "default", login.password)
    try:
        await wire.ask("HELLO", "3", *who, "SETNAME", name)
    except hiredis.ReplyError as refusal:
        if str(refusal).startswith(_NO_HELLO):
            return False
        raise
    return True


async def _authenticate(wire: Wire, login: Login) -> None:
    password = login.password or ""
    if login.username is not None:
        try:
            await wire.ask("AUTH", login.username, password)
        except hiredis.ReplyError as refusal:
            if "wrong number of arguments" not in str(refusal):  # before Redis 6 there are no users
                raise
        else:
            return
    await wire.ask("AUTH", password)
