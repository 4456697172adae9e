"""The source over a file, a pipe or stdin."""

import asyncio
import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from bridge.config.secret import masked_url
from bridge.errors import ConfigError, EndOfStream, SourceError
from bridge.model import Delivery, Gap
from bridge.sources import MAX_READ_BYTES, MAX_READ_ITEMS
from bridge.sources.lines.capture import delivery_of
from bridge.sources.lines.splitter import CutLine, Splitter

# About what one read hands out (1,000 captured lines of 1.2 KB), so that one of ours is one or two of the file's. A
# pipe gives at most what it holds, 64 KiB by default.
_CHUNK_BYTES = 1024 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class LinesSource:
    """
    Fulfils `bridge.sources.Source` over *capture* lines and bare bodies (`bridge.sources.lines.capture`).

    A last line without its newline counts; a line that is empty or only white space is no delivery; a byte order mark
    at the start is passed over. A delivery's `tag` is the number of its line, from 1, and its `position` the offset of
    the byte behind that line, in ASCII decimal (of a pipe: counted from where reading began).

    A line above MAX_LINE_BYTES (64 MiB) is cut, whatever it held, to a bare body of one byte more than decode takes:
    so it becomes a dead letter `too-large`, and memory stays bounded.

    Regular files are read on the loop: the page cache answers sooner than another thread would. Pipes, FIFOs and
    terminals are read when the loop says they are readable. There is no thread, and stdin is never made non-blocking:
    the terminal, and whoever shares it, would be too. Nothing is remembered: `settle` does nothing.
    """

    def __init__(self, path: str | Path) -> None:
        """
        Args:
            path: a file; `-` is stdin. Opened on entering.
        """
        self._path = str(path)
        self._fd: int | None = None
        self._seekable = False
        self._polled = False
        self._stopped = False
        self._at_end = False
        self._wake = asyncio.Event()
        self._splitter = Splitter()
        self._lines: list[bytes] = []
        self._next = 0
        self._number = 0
        self._offset = 0

    async def __aenter__(self) -> Self:
        """
        Open the file; a FIFO may have no writer yet.

        Raises:
            ConfigError: it is missing, a directory, closed, or may not be read.
        """
        if self._fd is None and not self._stopped:
            self._fd = self._open()
            self._seekable = stat.S_ISREG(os.fstat(self._fd).st_mode)
            self._polled = not self._seekable and _can_poll(self._fd)
            if self._seekable:  # stdin may be a file that the shell has read from already
                self._offset = os.lseek(self._fd, 0, os.SEEK_CUR)
        return self

    def _open(self) -> int:
        name = "stdin" if self._path == "-" else masked_url(self._path)  # a URL given for a file keeps its password
        if self._path == "-" and sys.__stdin__ is None:  # its number may by now be another file's
            raise ConfigError("cannot read stdin: it is closed")
        try:
            if self._path == "-" and sys.__stdin__ is not None:
                fd = sys.__stdin__.fileno()
            else:
                # O_NONBLOCK: opening a FIFO would wait for its writer. The open file is ours alone.
                fd = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
            if not stat.S_ISDIR(os.fstat(fd).st_mode):
                return fd
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            raise ConfigError(f"cannot read {name}: {_reason(error)}") from error
        self._close(fd)
        raise ConfigError(f"cannot read {name}: Is a directory")

    def _close(self, fd: int) -> None:
        if self._path != "-":
            os.close(fd)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file; stdin stays open."""
        self.stop()
        self._lines, self._next = [], 0
        if self._fd is not None:
            fd, self._fd = self._fd, None
            self._close(fd)

    async def acquire(self) -> None:
        """Return at once: everybody reads."""

    async def start(self, position: bytes | None) -> None:
        """
        Go on at `position`, having counted the lines before it; None, or what cannot seek: where the file is.

        Raises:
            SourceError: the position is no number of bytes, or the file cannot be read.
        """
        if position is None or self._fd is None or not self._seekable:
            return
        if not position.isdigit():
            raise SourceError(f"cannot go on in {self._path}: the position is no number of bytes")
        target = int(position)
        self._number = self._offset = 0
        try:
            while chunk := os.pread(self._fd, min(_CHUNK_BYTES, target - self._offset), self._offset):
                self._number += chunk.count(b"\n")
                self._offset += len(chunk)
                await asyncio.sleep(0)
            os.lseek(self._fd, self._offset, os.SEEK_SET)
        except OSError as error:
            raise SourceError(f"cannot read {self._path}: {_reason(error)}") from error

    async def read(self) -> list[Delivery | Gap]:
        """
        The next lines as deliveries, as `Source.read` says; never a Gap.

        Raises:
            EndOfStream: at the end of the file; or stopped, and the lines that were in memory are handed out.
            SourceError: the file cannot be read any further.
        """
        while True:
            await asyncio.sleep(0)  # a file never makes us wait, and the other tasks have to run too
            if batch := self._take():
                return batch
            if self._stopped or self._at_end or self._fd is None:
                raise EndOfStream
            if self._polled:
                await self._readable(self._fd)
            if not self._stopped:
                self._fill(self._fd)

    async def _readable(self, fd: int) -> None:
        """Wait until reading will not block, or the source is stopped."""
        loop = asyncio.get_running_loop()
        self._wake.clear()
        loop.add_reader(fd, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            loop.remove_reader(fd)

    def _fill(self, fd: int) -> None:
        """
        Read one chunk, or notice the end. Called only when every line in memory was handed out.

        Raises:
            SourceError: it cannot be read.
        """
        try:
            chunk = os.read(fd, _CHUNK_BYTES)
        except BlockingIOError:  # another reader of the FIFO was faster
            return
        except OSError as error:
            raise SourceError(f"cannot read {self._path}: {_reason(error)}") from error
        self._at_end = not chunk
        self._lines, self._next = self._splitter.feed(chunk) if chunk else self._splitter.end(), 0

    def _take(self) -> list[Delivery | Gap]:
        """The next lines in memory as deliveries, within the bounds of one read; empty when there is none."""
        batch: list[Delivery | Gap] = []
        size = 0
        lines = self._lines
        newline = 0 if self._at_end else 1  # at the end there is only the line that none finished
        while self._next < len(lines) and len(batch) < MAX_READ_ITEMS:
            line = lines[self._next]
            full_bytes = line.full_bytes if isinstance(line, CutLine) else len(line)
            if self._offset == 0 and line.startswith(_BYTE_ORDER_MARK):
                line = line[len(_BYTE_ORDER_MARK) :]
            if line and not line.isspace():
                delivery = Delivery(line) if isinstance(line, CutLine) else delivery_of(line)
                size += len(delivery.body)
                if batch and size > MAX_READ_BYTES:
                    break
                delivery.tag = self._number + 1
                delivery.position = b"%d" % (self._offset + full_bytes + newline)
                batch.append(delivery)
            self._next += 1
            self._number += 1
            self._offset += full_bytes + newline
        return batch

    def settle(self, deliveries: Sequence[Delivery]) -> None:
        """Do nothing: a file forgets nothing."""

    def stop(self) -> None:
        """Read no more of the file."""
        self._stopped = True
        self._wake.set()


def _can_poll(fd: int) -> bool:
    """Whether the loop can wait for it: epoll refuses what never blocks, such as /dev/null, with EPERM."""
    loop = asyncio.get_running_loop()
    try:
        loop.add_reader(fd, lambda: None)
    except PermissionError:
        return False
    loop.remove_reader(fd)
    return True


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
