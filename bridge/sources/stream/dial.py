"""How to get at the stream: declared over AMQP 0-9-1, read over its own protocol where the broker offers it."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

import structlog

from bridge.clients.outage import brief
from bridge.clients.queue import QueuePlan
from bridge.clock import Clock
from bridge.errors import BridgeError, ConfigError
from bridge.sources.amqp.address import Address, addresses
from bridge.sources.amqp.connection import Connection
from bridge.sources.amqp.declarations import declare, queue_exists
from bridge.sources.amqp.handshake import connect
from bridge.sources.amqp.refusal import while_connecting
from bridge.sources.stream.intake import Intake
from bridge.sources.stream.link import Link, StreamLink
from bridge.sources.stream.login import open_connection
from bridge.sources.stream.over_amqp import AmqpLink

STREAM_PORT, STREAM_TLS_PORT = 5552, 5551
"""Where RabbitMQ listens for streams (rabbitmq.com/docs/stream)."""

_PORT = re.compile(r"[1-9]\d{0,4}", re.ASCII)

_log = structlog.get_logger()


def places_of(url: str) -> list[tuple[Address, int]]:
    """
    The brokers of a URL, to be tried in turn, each with its port for streams (`?stream_port=`).

    Raises:
        ConfigError: it can never work, with all problems.
    """
    found, problems = addresses(url), []
    ports = []
    for address, one in zip(found, filter(None, url.split(";")), strict=True):
        default = str(STREAM_TLS_PORT if address.tls is not None else STREAM_PORT)
        text = dict(parse_qsl(urlsplit(one).query, keep_blank_values=True)).get("stream_port", default)
        if _PORT.fullmatch(text) and int(text) < 65536:
            ports.append(int(text))
        else:
            problems.append(f"{address.shown}: stream_port={text}: a port, 1 to 65535")
    if problems:
        raise ConfigError(problems)
    return list(zip(found, ports, strict=True))


class Dial:
    """
    Makes links. AMQP comes first: exchange, queue and binding are declared there, and whether the queue was there tells
    whether the stream is the one of before. Then the stream protocol is tried; where its port is not open, or refuses
    us, or belongs to another cluster, the same queue is read over AMQP, which is said once. Once it worked it is waited
    for: only there the broker remembers our position.

    Args:
        plan: of the queue.
        group: whose position is remembered.
        prefetch: deliveries unsettled, at most; over AMQP it bounds what the broker sends.
        clock: of the connections.
    """

    def __init__(self, plan: QueuePlan, group: str, prefetch: int, clock: Clock) -> None:
        self._plan = plan
        self._group = group
        self._prefetch = prefetch
        self._clock = clock
        self._stream = plan.name()
        self._streamed = self._told = False

    async def open(self, address: Address, port: int, intake: Intake) -> tuple[Link, bool]:
        """
        A link, and whether the stream was there before.

        Raises:
            ConfigError: the queue exists with other arguments, or cannot be.
            ConnectError, CredentialsError: it did not work.
        """
        link = AmqpLink(address, self._stream, intake, self._prefetch, self._clock)
        try:
            connection = await connect(
                address, f"celery-event-bridge {self._stream}", receive=link.receive, clock=self._clock
            )
        except Exception as error:
            raise while_connecting(error, address.shown) from error
        try:
            channel = await connection.open_channel()
            existed = await queue_exists(connection, self._stream)
            await declare(connection, channel, self._stream, self._plan.arguments())
            streaming = await self._streaming(address, port, connection, intake)
            if streaming is None:
                link.adopt(connection, channel)
                return link, existed
        except BaseException:
            connection.abort()
            await connection.close()
            raise
        await connection.close()
        return streaming, existed

    async def _streaming(
        self, address: Address, port: int, connection: Connection, intake: Intake
    ) -> StreamLink | None:
        """The link over the stream protocol; None where it is not to be had."""
        try:
            opened = await open_connection(address, port, f"celery-event-bridge {self._stream}", self._clock)
        except BridgeError as error:
            if self._streamed:
                raise
            self._tell(address, port, brief(error))
            return None
        other = difference(connection.server_properties, opened.server)
        if other:
            await opened.close(polite=True)
            if self._streamed:
                raise ConfigError(f"{address.shown}: its port for streams, {port}, {other}")
            self._tell(address, port, other)
            return None
        link = StreamLink(opened, self._stream, self._group, intake)
        try:
            await link.look()
        except BaseException:
            await link.close(polite=False)
            raise
        self._streamed = True
        return link

    def _tell(self, address: Address, port: int, reason: str) -> None:
        if not self._told:
            self._told = True
            _log.warning(
                "stream is read over AMQP, without a remembered position",
                broker=address.shown,
                stream_port=port,
                reason=reason,
            )


def difference(amqp: Mapping[str, object], streams: Mapping[str, str]) -> str:
    """In what the two ports show that they are not of one cluster; empty when nothing does."""
    for name in ("product", "cluster_name"):
        ours, theirs = _text(amqp.get(name)), streams.get(name, "")
        if ours and theirs and ours != theirs:
            return f"belongs to another broker ({name} {theirs!r}, not {ours!r})"
    return ""


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes | bytearray) else str(value or "")
