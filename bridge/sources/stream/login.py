"""From nothing to a virtual host: connect, say who we are, agree on heartbeats, open."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

from bridge.clients.outage import brief
from bridge.clients.tls import renewed_context
from bridge.clock import Clock
from bridge.errors import BridgeError, ConnectError, CredentialsError
from bridge.sources.amqp.address import Address
from bridge.sources.stream import commands
from bridge.sources.stream.commands import OK, Fields, Key
from bridge.sources.stream.connection import Connection, reason_of


@dataclass(slots=True)
class Opened:
    """A connection that is let in."""

    connection: Connection
    server: Mapping[str, str]
    """What the server says of itself: product, version, cluster_name (not before 3.8)."""
    beating: asyncio.Task[None]

    async def close(self, *, polite: bool) -> None:
        """End it, with a word or, after an error, without one."""
        try:
            if polite:
                await self.connection.close()
        finally:
            self.connection.lose(ConnectionAbortedError("closed by us"))
            self.beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.beating


async def open_connection(address: Address, port: int, name: str, clock: Clock) -> Opened:
    """
    Connect and log in.

    Args:
        address: of the broker; what lets us in over AMQP does so here.
        port: where it speaks the stream protocol.
        name: of the connection, as RabbitMQ's own lists show it.

    Raises:
        ConnectError: nobody listens there, or it does not speak this protocol, or does not answer.
        CredentialsError: it refuses the login or the virtual host.
    """
    connection = Connection(clock)
    where = f"{address.host}:{port}"
    try:
        async with asyncio.timeout(address.connect_seconds):
            await _open_socket(connection, address, port)
            server = await _peer(connection, name)
            await _authenticate(connection, address, where)
            await _tune(connection, address)
            await _open(connection, address, where)
    except BridgeError:
        connection.lose(ConnectionAbortedError("closed by us"))
        raise
    except OSError as error:
        connection.lose(ConnectionAbortedError("closed by us"))
        raise ConnectError(f"cannot connect to {where} for streams: {brief(error)}") from error
    except BaseException:
        connection.lose(ConnectionAbortedError("closed by us"))
        raise
    beating = asyncio.create_task(connection.beat(address.heartbeat_seconds), name=f"heartbeat {where}")
    return Opened(connection, server, beating)


async def _open_socket(connection: Connection, address: Address, port: int) -> None:
    context = None if address.tls is None else renewed_context(address.tls, address.shown)
    await asyncio.get_running_loop().create_connection(
        lambda: connection, address.host, port, ssl=context, server_hostname=address.host if context else None
    )


async def _peer(connection: Connection, name: str) -> Mapping[str, str]:
    ours = {"product": "celery-event-bridge", "platform": "Python", "connection_name": name}
    code, fields = await connection.request(Key.PEER_PROPERTIES, commands.properties(ours))
    return fields.properties() if code == OK else {}


async def _authenticate(connection: Connection, address: Address, where: str) -> None:
    code, fields = await connection.request(Key.SASL_HANDSHAKE, b"")
    offered = fields.texts() if code == OK else []
    if address.mechanism not in offered:
        raise CredentialsError(f"{where} does not offer {address.mechanism} for streams, but {offered}")
    secret = commands.authenticate(address.mechanism, address.response)
    code, _ = await connection.request(Key.SASL_AUTHENTICATE, secret)
    if code != OK:
        raise CredentialsError(f"{where} refused the login for streams: {reason_of(code)}")


async def _tune(connection: Connection, address: Address) -> None:
    """Our heartbeat, and the server's frame size, which only binds what we send: a few hundred bytes at most."""
    fields: Fields = await connection.tuned
    frame_max = fields.u32()
    connection.send(commands.frame(Key.TUNE, commands.tune(frame_max, address.heartbeat_seconds)))


async def _open(connection: Connection, address: Address, where: str) -> None:
    code, _ = await connection.request(Key.OPEN, commands.text(address.vhost))
    if code != OK:
        raise CredentialsError(f"{where} did not let us into {address.vhost!r}: {reason_of(code)}")
