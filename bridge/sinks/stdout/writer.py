"""One output, opened once, that the sinks of several chains write to by whole batches."""

import asyncio
import errno
import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

import structlog

from bridge.clock import Clock, SystemClock
from bridge.errors import ConfigError, SinkError
from bridge.sinks.stdout.thread import CLOSE_SECONDS, Job, WriterThread

log = structlog.get_logger()

# How often a FIFO is looked at whose reader has not come yet.
_READER_SECONDS = 0.1

_STDOUT = 1


class LineWriter:
    """
    Writes batches of whole lines to one file descriptor, on one thread: a full pipe must not stop the event loop.

    Several sinks of one event loop may share it; it is open from the first that enters to the last that leaves.
    """

    def __init__(self, target: str, *, stdout: int = _STDOUT, clock: Clock | None = None) -> None:
        """
        Args:
            target: `stdout`, or `file:PATH`: appended to, made with mode 0644 when missing. A FIFO's reader is waited
                for.
            stdout: the file descriptor that `stdout` means. It is never closed and never made non-blocking: other
                processes share it.
            clock: times the look for a FIFO's reader.
        """
        self._path = target.removeprefix("file:") if target.startswith("file:") else None
        self.name = self._path if self._path is not None else "stdout"
        self._stdout = stdout
        self._clock = clock or SystemClock()
        self._users = 0
        self._opening = asyncio.Lock()
        self._thread: WriterThread | None = None

    async def open(self) -> None:
        """
        Count one more user; for the first, open the file and start the thread.

        Raises:
            ConfigError: the file cannot be opened, or stdout is closed.
        """
        async with self._opening:
            if self._thread is None:
                fd = self._stdout if self._path is None else await self._open_file(self._path)
                if self._path is None and self._stdout == _STDOUT and sys.__stdout__ is None:
                    raise ConfigError("cannot write to stdout: it is closed")
                self._thread = WriterThread(fd, self.name, owned=self._path is not None)
                self._thread.start()
            self._users += 1

    async def _open_file(self, path: str) -> int:
        waiting = False
        while True:
            try:
                # O_NONBLOCK: opening a FIFO would wait for its reader, and the loop with it. The open file is ours.
                flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
                fd = os.open(path, flags, 0o644)
            except (OSError, ValueError) as error:  # ValueError: a NUL in the name
                if not (isinstance(error, OSError) and error.errno == errno.ENXIO and _is_fifo(path)):
                    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
                    raise ConfigError(f"cannot write to {path}: {reason}") from error
            else:
                os.set_blocking(fd, True)
                _finish_line(path, fd)
                return fd
            if not waiting:
                waiting = True
                log.warning("waiting for a reader of the pipe", path=path)
            await self._clock.sleep(_READER_SECONDS)

    def put(self, data: bytes) -> asyncio.Future[None]:
        """
        Queue whole lines, or nothing, behind what is queued. The future is done when the kernel has them.

        Raises:
            SinkError: it is not open. The future raises OutputError when they cannot be written.
        """
        if self._thread is None:
            raise SinkError(f"cannot write to {self.name}: it is not open")
        loop = asyncio.get_running_loop()
        confirmation: asyncio.Future[None] = loop.create_future()
        confirmation.add_done_callback(_look_at_error)
        self._thread.put(Job(data, loop, confirmation))
        return confirmation

    async def close(self, pending: Sequence[asyncio.Future[None]]) -> None:
        """
        Count one user less, and forget its `pending` writes that have not begun; after the last end the thread.

        Takes at most CLOSE_SECONDS, also when nobody reads the pipe: then the write under way is left behind on its
        thread, which ends with the write or with the process. Every pending future is done afterwards.
        """
        thread = self._thread
        if thread is None:
            return
        thread.forget(pending)
        self._users -= 1
        if self._users == 0:
            self._thread = None
            await thread.end()
        elif waiting := [future for future in pending if not future.done()]:
            await asyncio.wait(waiting, timeout=CLOSE_SECONDS)
        for future in pending:
            if not future.done():
                future.set_exception(SinkError(f"left before {self.name} took everything"))


def _look_at_error(confirmation: asyncio.Future[None]) -> None:
    """Else asyncio reports it as never retrieved when the chain gave up before awaiting it."""
    if not confirmation.cancelled():
        confirmation.exception()


def _is_fifo(path: str) -> bool:
    return stat.S_ISFIFO(Path(path).stat().st_mode)


def _finish_line(path: str, fd: int) -> None:
    """End the line that a writer before us left unfinished (killed, or the disk was full), so that ours stay whole."""
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode) or status.st_size == 0:
        return
    try:
        reader = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # it may be written and not read: then nobody can know
        return
    try:
        if os.pread(reader, 1, status.st_size - 1) != b"\n":
            os.write(fd, b"\n")
    finally:
        os.close(reader)
