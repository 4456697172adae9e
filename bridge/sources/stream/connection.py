"""One connection to a server of the stream protocol: a thin shell around `Frames`."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import cast

from bridge.clients.unacknowledged import bound_unacknowledged
from bridge.clock import Clock
from bridge.errors import ConnectError
from bridge.sources.amqp.heartbeat import LOOKS, Heartbeat
from bridge.sources.stream import commands
from bridge.sources.stream.commands import ANSWER, Fields, Key
from bridge.sources.stream.frames import Frames

ANSWER_SECONDS = 10.0
"""How long the server may take for an answer, at most; and its system, to acknowledge what we sent."""

_SMALL_BYTES = 32 * 1024
_GATHER_SECONDS = 0.002
"""After a read of so few bytes of messages the socket is left alone for this long. A stream that is written slowly
consists of chunks of one or two messages, which the server sends one by one, each of them a turn of the event loop."""

_CLOSE_SECONDS = 1.0
"""For its answer to our farewell."""


class Connection(asyncio.Protocol):
    """
    Requests and their answers, what the server sends by itself, heartbeats both ways. Belongs to one event loop.

    Args:
        clock: dates what is heard, times heartbeats.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.delivered: Callable[[bytes], bool] = lambda _: False
        """Called with the payload of each Deliver; returns whether reading is to pause behind it. What it raises ends
        the connection."""
        self.drained: Callable[[], None] = lambda: None
        """Called when everything of one read was delivered, or reading pauses."""
        self._frames = Frames()
        self._transport: asyncio.Transport | None = None
        self._correlation = 0
        self._answers: dict[int, asyncio.Future[bytes]] = {}
        loop = asyncio.get_running_loop()
        self.tuned: asyncio.Future[Fields] = loop.create_future()
        """The server's Tune."""
        self.lost: asyncio.Future[Exception] = loop.create_future()
        """Done when the connection is: holds why."""
        self.heard_at = clock.now()
        self._heard = clock.monotonic()
        self._paused = False
        self._gathering: asyncio.TimerHandle | None = None

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        bound_unacknowledged(transport, ANSWER_SECONDS)

    def data_received(self, data: bytes) -> None:
        self.heard_at, self._heard = self._clock.now(), self._clock.monotonic()
        messages = self._take(data)
        if messages and len(data) < _SMALL_BYTES and self._gathering is None and self._transport is not None:
            self._transport.pause_reading()
            self._gathering = asyncio.get_running_loop().call_later(_GATHER_SECONDS, self._gathered)

    def _take(self, data: bytes) -> bool:
        """Deal with frames until reading pauses; whether there were messages among them."""
        messages = False
        frames = self._frames.feed(data)
        try:
            for key, payload in frames:
                if self.lost.done():
                    return False
                if key == Key.DELIVER:
                    messages = True
                    if self.delivered(payload):
                        self.pause(True)
                        if self._paused:
                            frames.close()
                            break
                else:
                    self._handle(key, payload)
            self.drained()
        except Exception as error:  # noqa: BLE001 - whatever a server sends ends the connection, and nothing else
            self.lose(error)
        return messages

    def _go_on(self) -> None:
        """With what was read and left when reading paused."""
        if not self._paused and not self.lost.done():
            self._take(b"")

    def _gathered(self) -> None:
        self._gathering = None
        if not self._paused and not self.lost.done() and self._transport is not None:
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lose(exc or ConnectionResetError("the server closed the connection"))

    # What the link calls.

    def send(self, data: bytes) -> None:
        """Send frames; nothing when the connection is lost."""
        if self._transport is not None and not self.lost.done():
            self._transport.write(data)

    async def request(self, key: Key, payload: bytes) -> tuple[int, Fields]:
        """
        Send a request and wait for its answer: the code, and the fields behind it.

        Raises:
            Exception: what the connection was lost for.
            TimeoutError: no answer in time.
        """
        answer = await self._ask(key, payload)
        fields = Fields(answer, 4)
        return fields.u16(), fields

    async def metadata(self, stream: str) -> Fields:
        """The answer to Metadata, which alone has no code. Raises as `request`."""
        return Fields(await self._ask(Key.METADATA, commands.metadata(stream)), 4)

    async def _ask(self, key: Key, payload: bytes) -> bytes:
        if self.lost.done():
            raise self.lost.result()
        self._correlation += 1
        correlation, answer = self._correlation, asyncio.get_running_loop().create_future()
        self._answers[correlation] = answer
        self.pause(False)  # the answer may stand behind messages
        self.send(commands.request(key, correlation, payload))
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return bytes(await answer)
        finally:
            self._answers.pop(correlation, None)

    def pause(self, paused: bool) -> None:
        """
        Deal with nothing more, and read nothing more from the socket, or go on; the server's silence says nothing
        meanwhile. While an answer is waited for there is no pause.
        """
        paused = paused and not self._answers
        if self._transport is not None and paused != self._paused and not self.lost.done():
            self._paused = paused
            if paused:
                self._transport.pause_reading()
            else:
                self._heard = self._clock.monotonic()
                if self._gathering is None:
                    self._transport.resume_reading()
                asyncio.get_running_loop().call_soon(self._go_on)  # not here: it may be called by what deals with them

    async def beat(self, interval: float) -> None:
        """
        Send heartbeats until the connection is lost; the server's silence loses it, as `Heartbeat` says of AMQP's.
        """
        heartbeat = Heartbeat(interval, self._clock.monotonic())
        while not self.lost.done():
            await self._clock.sleep(interval / LOOKS)
            heartbeat.heard(self._heard)
            try:
                due = heartbeat.beat(self._clock.monotonic(), reading=not self._paused)
            except ConnectionAbortedError as error:
                self.lose(error)
                return
            if due:
                self.send(commands.heartbeat())

    def lose(self, error: Exception) -> None:
        """End it now, for this reason; the first reason counts."""
        if not self.lost.done():
            self.lost.set_result(error)
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(error)
            if not self.tuned.done():
                self.tuned.set_exception(error)
                self.tuned.exception()  # seen: mostly nobody waits for it
            if self._gathering is not None:
                self._gathering.cancel()
            if self._transport is not None:
                self._transport.abort()

    async def close(self) -> None:
        """Say goodbye, so that everything sent before is done, and close. Never raises but when cancelled."""
        self.pause(False)
        if not self.lost.done() and self._transport is not None:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await self.request(Key.CLOSE, commands.close(commands.OK, "bye"))
        self.lose(ConnectionAbortedError("closed by us"))

    # What the server says.

    def _handle(self, key: int, payload: bytes) -> None:
        fields = Fields(payload)
        if key & ANSWER:
            if key != Key.CREDIT | ANSWER:  # the one answer without a correlation id: it comes only when refused
                answer = self._answers.get(fields.u32())
                if answer is not None and not answer.done():
                    answer.set_result(payload)
        elif key == Key.TUNE:
            if not self.tuned.done():
                self.tuned.set_result(fields)
        elif key == Key.CLOSE:
            _, code, reason = fields.u32(), fields.u16(), fields.text()
            self.send(commands.frame(Key.CLOSE | ANSWER, payload[:4] + b"\0\1"))
            raise ConnectError(f"the server closed the connection: {reason or reason_of(code)}")
        elif key == Key.METADATA_UPDATE:
            code = fields.u16()
            raise ConnectError(f"stream {fields.text()}: {reason_of(code)}")


def reason_of(code: int) -> str:
    """A code in words."""
    return commands.CODES.get(code, f"code {code}")
