"""From an address to a connection that is open."""

import asyncio
from collections.abc import Callable

from pamqp import commands, header
from pamqp import exceptions as refusals

from bridge import __version__
from bridge.clients.tls import renewed_context
from bridge.clock import Clock
from bridge.model import Delivery
from bridge.sources.amqp.address import Address
from bridge.sources.amqp.connection import Connection, forget

_CAPABILITIES = {
    "authentication_failure_close": True,  # a refused login is said, not only a closed socket
    "consumer_cancel_notify": True,  # a deleted queue is said, not only silence
    "connection.blocked": True,
    "basic.nack": True,
}
"""RabbitMQ's extensions that we understand (rabbitmq.com/docs/extensions)."""


async def connect(
    address: Address, name: str, *, receive: Callable[[list[Delivery]], None] = forget, tag_base: int = 0, clock: Clock
) -> Connection:
    """
    Connect to the broker, log in, and enter its virtual host.

    Args:
        name: of the connection, as RabbitMQ lists it.
        receive, tag_base, clock: as `Connection`; `receive` may be left out where nothing is consumed.

    Raises:
        OSError: not there, its certificate cannot be verified, or it does not answer in `connect_seconds`.
        pamqp.exceptions.PAMQPException: it refused us (the class of its reply code), or this is no AMQP 0-9-1.
        ConnectError: a file of TLS cannot be read now.
    """
    connection = Connection(
        address.shown, receive=receive, tag_base=tag_base, patience_seconds=address.patience_seconds, clock=clock
    )
    try:
        async with asyncio.timeout(address.connect_seconds):
            await _open_socket(address, connection)
            await _greet(address, connection, name)
    except BaseException:
        connection.abort()
        await connection.close()
        raise
    return connection


async def _open_socket(address: Address, connection: Connection) -> None:
    loop = asyncio.get_running_loop()
    if address.tls is None:
        await loop.create_connection(lambda: connection, address.host, address.port)
        return
    context = renewed_context(address.tls, address.shown)
    await loop.create_connection(
        lambda: connection, address.host, address.port, ssl=context, server_hostname=address.host
    )


async def _greet(address: Address, connection: Connection, name: str) -> None:
    control = connection.control
    connection.write(header.ProtocolHeader().marshal())
    start = await control.wait_for(commands.Connection.Start)
    connection.server_properties = dict(start.server_properties or {})
    if address.mechanism not in str(start.mechanisms).split():
        raise refusals.AMQPAccessRefused(f"it offers no {address.mechanism}, only {start.mechanisms}")
    ours = {
        "product": "celery-event-bridge",
        "version": __version__,
        "platform": "Python",
        "connection_name": name,
        "capabilities": _CAPABILITIES,
    }
    response = address.response.decode()
    start_ok = commands.Connection.StartOk(ours, address.mechanism, response, "en_US")  # type: ignore[arg-type]
    tune = await control.call(start_ok, commands.Connection.Tune)
    frame_bytes = _smaller(address.frame_bytes, tune.frame_max)
    heartbeat_seconds = _smaller(address.heartbeat_seconds, tune.heartbeat)
    channels = _smaller(address.channels, tune.channel_max)
    control.send(commands.Connection.TuneOk(channels, frame_bytes, heartbeat_seconds))
    connection.agree(frame_bytes, heartbeat_seconds)
    await control.call(commands.Connection.Open(address.vhost), commands.Connection.OpenOk)


def _smaller(ours: int, theirs: int) -> int:
    """What both can live with; the broker's 0 means that it has no wish."""
    return min(ours, theirs) if theirs else ours
