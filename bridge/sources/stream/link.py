"""What the source asks of one connection to its stream, by whichever protocol; and the stream protocol's."""

import asyncio
from typing import Protocol

import structlog

from bridge.errors import ConnectError, CredentialsError
from bridge.sources.stream import commands
from bridge.sources.stream.chunk import read_chunk
from bridge.sources.stream.commands import ACCESS_REFUSED, NO_OFFSET, OK, Key
from bridge.sources.stream.connection import reason_of
from bridge.sources.stream.intake import Intake
from bridge.sources.stream.login import Opened
from bridge.sources.stream.messages import offset_of
from bridge.sources.stream.place import OLDEST
from bridge.sources.stream.starts import reference_of

_READING = 1
_PROBE = 2
"""Subscription ids."""

_log = structlog.get_logger()


class Link(Protocol):
    """
    One connection, from its making to `close`. Belongs to the event loop. What arrives goes into the intake.

    Every `async` method may raise the transport's errors: then the connection is lost.
    """

    lost: asyncio.Future[Exception]
    """Done when the connection is: holds why."""

    @property
    def heard_at(self) -> float:
        """When the server last said anything, in seconds since the epoch."""
        ...

    async def stored(self) -> int | None:
        """The offset that the broker remembers for the group; None: none, or this protocol has no such thing."""
        ...

    async def noted(self) -> int | None:
        """What is noted beside that offset (see `Starts`); None: nothing, or this protocol has no such thing."""
        ...

    async def note(self, value: int) -> None:
        """Have this noted there, if the protocol has such a thing."""
        ...

    async def subscribe(self) -> None:
        """
        Ask for messages, from where the intake says.

        Raises:
            ConnectError, CredentialsError: it did not work.
        """
        ...

    def proceed(self, *, store: bool = False) -> None:
        """Something was settled or handed out: ask for more, tell the broker what is due; with `store` all of it."""
        ...

    async def close(self, *, polite: bool) -> None:
        """Disconnect, in a bounded time. Never raises a transport's error."""
        ...


class StreamLink:
    """
    Fulfils `Link` over the stream protocol.

    Args:
        opened: a connection that is let in.
        stream: the queue's name.
        group: whose position the broker remembers.
        intake: takes what arrives.
    """

    def __init__(self, opened: Opened, stream: str, group: str, intake: Intake) -> None:
        self._opened = opened
        self._connection = opened.connection
        self._stream = stream
        self._group = group
        self._starts = reference_of(group)
        self._intake = intake
        self._subscribed = False
        self._asking: set[asyncio.Task[None]] = set()
        self.lost = opened.connection.lost
        intake.ask_oldest = self._ask
        self._connection.delivered = self._delivered
        self._connection.drained = self.proceed

    @property
    def heard_at(self) -> float:
        """As `Link.heard_at`."""
        return self._connection.heard_at

    async def stored(self) -> int | None:
        """As `Link.stored`."""
        return await self._remembered(self._group)

    async def _remembered(self, reference: str) -> int | None:
        code, fields = await self._connection.request(Key.QUERY_OFFSET, commands.query_offset(reference, self._stream))
        if code == NO_OFFSET:
            return None
        self._check(code, "read")
        return fields.u64()

    async def noted(self) -> int | None:
        """As `Link.noted`."""
        return await self._remembered(self._starts)

    async def note(self, value: int) -> None:
        """
        As `Link.note`. Storing is not answered, but the server does one thing after the other, so what it says next is
        what was stored (measured on RabbitMQ 3.10: 300 times of 300).
        """
        self._say(value)
        if await self.noted() != value:
            _log.warning("start is not counted: the server does not remember it", stream=self._stream)

    def _say(self, value: int) -> None:
        self._connection.send(commands.store_offset(self._starts, self._stream, value))
        self._intake.tracking.noted()

    async def look(self) -> None:
        """
        Whether the stream is there, and who has it.

        Raises:
            ConnectError: it is not there (yet).
        """
        fields = await self._connection.metadata(self._stream)
        hosts = {fields.u16(): (fields.text(), fields.u32()) for _ in range(fields.u32())}
        if fields.u32() != 1:
            raise ConnectError(f"stream {self._stream}: the server's answer cannot be read")
        name, code, leader = fields.text(), fields.u16(), fields.u16()
        replicas = [fields.u16() for _ in range(fields.u32())]
        self._check(code, "read")
        self._intake.replicated = bool(replicas)
        _log.debug("stream found", stream=name, leader=hosts.get(leader), replicas=len(replicas))

    async def subscribe(self) -> None:
        """As `Link.subscribe`."""
        specification = self._intake.place().specification()
        credit = self._intake.window.grant()
        self._subscribed = True  # chunks may come before the answer
        code, _ = await self._connection.request(
            Key.SUBSCRIBE, commands.subscribe(_READING, self._stream, specification, credit)
        )
        self._check(code, "read from")

    def _check(self, code: int, what: str) -> None:
        if code == ACCESS_REFUSED:
            raise CredentialsError(f"the user needs the right to {what} the queue {self._stream}")
        if code != OK:
            raise ConnectError(f"stream {self._stream}: {reason_of(code)}")

    # What arrives.

    def _delivered(self, payload: bytes) -> bool:
        if payload[0] == _READING:
            self._intake.chunk(payload, 1)
            return self._intake.window.reached
        if payload[0] == _PROBE:
            self._connection.send(_unsubscribe())
            self._intake.oldest(read_chunk(payload, 1).first)
        return False

    def _ask(self) -> None:
        """For the offset of the oldest message: the first chunk of a second subscription tells."""
        task = asyncio.create_task(self._ask_oldest(), name=f"oldest offset of {self._stream}")
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _ask_oldest(self) -> None:
        try:
            fields = commands.subscribe(_PROBE, self._stream, OLDEST.specification(), 1)
            code, _ = await self._connection.request(Key.SUBSCRIBE, fields)
            self._check(code, "read from")
        except Exception as error:  # noqa: BLE001 - whatever it is, the connection is of no use any more
            self._connection.lose(error)

    # What is sent.

    def proceed(self, *, store: bool = False) -> None:
        """As `Link.proceed`."""
        intake = self._intake
        self._connection.pause(intake.window.reached)
        if self._subscribed and not intake.stopped:
            chunks = intake.window.grant()
            if chunks:
                self._connection.send(commands.credit(_READING, chunks))
        position, starts = intake.position, intake.starts
        if intake.tracked and position is not None and intake.tracking.due(position, now=store or starts.urgent):
            if starts.unsaid:  # first: without the position it does no harm, and that without it could
                self._say(0)
                starts.unsaid = False
            # As every client of RabbitMQ does it: the offset of the last message that is done, not of the next.
            self._connection.send(commands.store_offset(self._group, self._stream, offset_of(position) - 1))
            intake.tracking.stored(position)

    async def close(self, *, polite: bool) -> None:
        """As `Link.close`."""
        if polite:
            self._subscribed = False
            self.proceed(store=True)
            if (due := self._intake.starts.due) is not None:
                self._say(due)
        for task in self._asking:
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)
        await self._opened.close(polite=polite)


def _unsubscribe() -> bytes:
    """The probe has told what it was for. Nobody waits for the answer: no request has this number."""
    return commands.request(Key.UNSUBSCRIBE, 0, bytes([_PROBE]))
