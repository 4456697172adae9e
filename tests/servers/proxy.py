"""A network between two ends that breaks on demand: refuses, cuts, resets, falls silent, or is merely bad."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from random import Random
from types import TracebackType
from typing import Self

from tests.servers.way import Way

_RESETS = struct.pack("ii", 1, 0)
"""SO_LINGER for no time: closing sends RST (socket(7))."""


class Proxy:
    """
    Forwards TCP from a port of its own to `port` of 127.0.0.1; lives on one event loop, an async context manager.

    A way that is not open passes no end either: who is left alone by the other side is not told. What is still in it is
    passed on when it opens again, as TCP does when packets get through again. What it cannot show: the sender's own
    kernel gets its acknowledgements from here, so TCP's timers see a healthy network.

    Args:
        port: of the server.
        seed: of the sizes that slices are cut into.
    """

    def __init__(self, port: int, *, seed: int = 0) -> None:
        self._target = port
        self.port = 0
        """Where it listens; the same while it is entered."""
        self._server: asyncio.Server | None = None
        self._links: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}
        dice = Random(seed)
        self.requests, self.answers = Way(dice), Way(dice)
        """From clients to the server, and back."""
        self.cut_at: Callable[[bytes], bool] | None = None
        """Asked of what a client sends: True cuts the connection, once, and the answer is lost."""
        self.loses_request = False
        """Whether what `cut_at` chose is lost as well."""
        self.accepted = 0
        """Connections that were ever made through it."""

    async def __aenter__(self) -> Self:
        await self.up()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.down()

    @property
    def connections(self) -> int:
        """That are open now, those among them whose client is gone and that could not say so."""
        return len(self._links)

    async def up(self) -> None:
        """Accept connections (again)."""
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        """Refuse connections, and cut those there are."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        await self.drop()

    async def drop(self) -> None:
        """Cut every connection; new ones can be made at once."""
        links = list(self._links)
        for link in links:
            link.cancel()
        await asyncio.gather(*links, return_exceptions=True)

    async def reset(self) -> None:
        """As `drop`, with RST to both ends instead of an orderly end: what they had not read yet is lost."""
        for writers in self._links.values():
            for writer in writers:
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESETS)
        await self.drop()

    def freeze(self, *, requests: bool = True, answers: bool = True) -> None:
        """
        Pass nothing more, with every connection left open: what a dead router looks like. One of the two ways alone:
        half-open.
        """
        for way, frozen in ((self.requests, requests), (self.answers, answers)):
            if frozen:
                way.open.clear()

    def thaw(self) -> None:
        """Pass on again, what waited first."""
        self.requests.open.set()
        self.answers.open.set()

    def slow(self, *, latency_seconds: float = 0.0, bytes_per_second: int = 0, slice_bytes: int = 0) -> None:
        """Make both ways bad, as `Way` says; what is not given is well again."""
        for way in (self.requests, self.answers):
            way.latency_seconds, way.bytes_per_second = latency_seconds, bytes_per_second
            way.slice_bytes = slice_bytes

    def heal(self) -> None:
        """Nothing is wrong any more."""
        self.requests.heal()
        self.answers.heal()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.accepted += 1
        self._links[task] = [writer]
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await self._forward(reader, writer, self._links[task])
        del self._links[task]

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, writers: list[asyncio.StreamWriter]
    ) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            writers.append(back)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._ask(reader, back))
                    both.create_task(self._answer(there, writer))
            except* OSError:
                pass
            finally:
                back.transport.abort()
        finally:
            writer.transport.abort()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await self.requests.read(reader):
            cut = self.cut_at is not None and self.cut_at(data)
            if not cut:
                await self._pass(self.requests, writer, data, self.answers)
                continue
            if not self.loses_request:
                writer.write(data)  # also when `cut_at` has frozen all that comes after it
                await writer.drain()
            self.cut_at = None
            writer.write_eof()  # what was sent arrives, and is read, before the end
            raise ConnectionResetError("cut")
        raise ConnectionResetError("the client is gone")  # ends the other direction too

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await self.answers.read(reader):
            await self._pass(self.answers, writer, data, self.requests)
        raise ConnectionResetError("the server is gone")

    async def _pass(self, way: Way, writer: asyncio.StreamWriter, data: bytes, back: Way) -> None:
        try:
            await way.write(writer, data)
        except OSError:
            await back.open.wait()  # that this end is gone is news for the other one, and travels its way
            raise
