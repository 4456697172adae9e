"""A network between two ends that breaks on demand: refuses, cuts, or falls silent with its connections open."""

import asyncio
import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Self

_CHUNK = 64 * 1024


class Proxy:
    """
    Forwards TCP from a port of its own to `port` of 127.0.0.1; lives on one event loop, an async context manager.

    Args:
        port: of the server.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self.port = 0
        """Where it listens; the same while it is entered."""
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.Task[None]] = set()
        self._open = asyncio.Event()
        self._open.set()
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

    def freeze(self) -> None:
        """Forward nothing more, with every connection left open: what a dead router looks like."""
        self._open.clear()

    def thaw(self) -> None:
        """Forward again, what waited first."""
        self._open.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.accepted += 1
        self._links.add(task)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await self._forward(reader, writer)
        self._links.discard(task)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._pump(reader, back, asks=True))
                    both.create_task(self._pump(there, writer))
            except* OSError:
                pass
            finally:
                back.transport.abort()
        finally:
            writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, asks: bool = False) -> None:
        while data := await reader.read(_CHUNK):
            await self._open.wait()
            cut = asks and self.cut_at is not None and self.cut_at(data)
            if not (cut and self.loses_request):
                writer.write(data)
                await writer.drain()
            if cut:
                self.cut_at = None
                writer.write_eof()  # what was sent arrives, and is read, before the end
                raise ConnectionResetError("cut")
        raise ConnectionResetError("the other side is gone")  # ends the other direction too
