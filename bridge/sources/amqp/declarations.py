"""Our queue and its binding on the broker, with the least rights."""

import contextlib
from collections.abc import Iterator, Mapping

from pamqp import commands
from pamqp import exceptions as refusals

from bridge.clients.queue import BINDING, EXCHANGE
from bridge.sources.amqp.channel import Channel
from bridge.sources.amqp.connection import Connection
from bridge.sources.amqp.refusal import while_declaring


async def declare(
    connection: Connection, channel: Channel, queue: str, arguments: Mapping[str, object], *, transient: bool = False
) -> None:
    """
    Declare the queue (durable, or with `transient` exclusive and gone with the connection) and bind it to Celery's
    exchange, which is looked for passively first: that needs no right on it but to read.

    Raises:
        ConfigError: the queue is there with other arguments, or cannot be.
        CredentialsError: a right is missing, which is named.
        ConnectError: the connection is lost.
    """
    shown = connection.shown
    if not await exists(connection, commands.Exchange.Declare(exchange=EXCHANGE, exchange_type="topic", passive=True)):
        with needing(f"configure the exchange {EXCHANGE}", shown, queue):
            exchange = commands.Exchange.Declare(exchange=EXCHANGE, exchange_type="topic", durable=True)
            await channel.call(exchange, commands.Exchange.DeclareOk)
    with needing(f"configure the queue {queue}", shown, queue):
        ours = commands.Queue.Declare(
            queue=queue,
            durable=not transient,
            exclusive=transient,
            auto_delete=transient,
            arguments=dict(arguments),  # type: ignore[arg-type]  # pamqp's union of what a table may hold
        )
        await channel.call(ours, commands.Queue.DeclareOk)
    with needing(f"write to the queue {queue} and read from the exchange {EXCHANGE}", shown, queue):
        await channel.call(commands.Queue.Bind(0, queue, EXCHANGE, BINDING), commands.Queue.BindOk)


async def queue_exists(connection: Connection, queue: str) -> bool:
    """Whether it is there; needs no right. Raises as `declare`."""
    return await exists(connection, commands.Queue.Declare(queue=queue, passive=True))


async def ready(channel: Channel, queue: str) -> int:
    """Messages of a queue that nobody was given yet. Raises as `Channel.call`; "not found" closes the channel."""
    answer = await channel.call(commands.Queue.Declare(queue=queue, passive=True), commands.Queue.DeclareOk)
    return answer.message_count or 0


async def exists(connection: Connection, passive: commands.Exchange.Declare | commands.Queue.Declare) -> bool:
    """What the broker answers to a passive declaration, on a channel of its own: "not found" closes it."""
    name = str(passive.exchange if isinstance(passive, commands.Exchange.Declare) else passive.queue)
    with needing(f"see {name}", connection.shown, name):
        channel = await connection.open_channel()
        try:
            if isinstance(passive, commands.Exchange.Declare):
                await channel.call(passive, commands.Exchange.DeclareOk)
            else:
                await channel.call(passive, commands.Queue.DeclareOk)
        except refusals.AMQPNotFound:
            return False
        await channel.close()
        return True


@contextlib.contextmanager
def needing(right: str, shown: str, queue: str) -> Iterator[None]:
    """Errors of the block become ours, and name the right that was missing."""
    try:
        yield
    except Exception as error:
        raise while_declaring(error, shown, queue, right) from error
