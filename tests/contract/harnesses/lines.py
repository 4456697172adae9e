"""The lines source over a file, which ends, and over a FIFO, which waits for more."""

import base64
import contextlib
import io
import json
import os
import queue
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from bridge.sources.lines import LinesSource


def captured(bodies: Sequence[bytes]) -> bytes:
    """Capture lines of these bodies."""
    return b"".join(
        json.dumps({"content_type": "application/json", "body_b64": base64.b64encode(body).decode()}).encode() + b"\n"
        for body in bodies
    )


class FileHarness:
    """A regular file, which is appended to."""

    name = "lines-file"
    fixtures = ()
    seconds = 10.0
    has_server = False
    can_drop = False
    can_break = True
    remembers = False
    ends = True
    seeks = True

    def __init__(self, request: pytest.FixtureRequest, tmp_path: Path) -> None:
        self._path = tmp_path / "capture.jsonl"
        self._path.touch()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def source(self, *, fail_fast: bool = False) -> LinesSource:
        return LinesSource(self._path)

    async def publish(self, bodies: Sequence[bytes]) -> None:
        with self._path.open("ab") as file:
            file.write(captured(bodies))

    async def break_for_good(self) -> None:
        self._path.unlink()

    async def down(self) -> None:
        raise NotImplementedError

    async def up(self) -> None:
        raise NotImplementedError

    async def drop(self) -> None:
        raise NotImplementedError


class FifoHarness(FileHarness):
    """A named pipe; a thread writes to it, because it holds 64 KiB and a body may have 5 MiB."""

    name = "lines-fifo"
    ends = False
    seeks = False

    def __init__(self, request: pytest.FixtureRequest, tmp_path: Path) -> None:
        self._path = tmp_path / "fifo"
        os.mkfifo(self._path)
        self._waiting: queue.Queue[bytes | None] = queue.Queue()
        self._writer: threading.Thread | None = None

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiting.put(None)
        if self._writer is not None:
            self._writer.join()

    async def publish(self, bodies: Sequence[bytes]) -> None:
        if self._writer is None:
            fifo = self._path.open("wb", buffering=0)  # here, while the source is there: later it might wait for ever
            self._writer = threading.Thread(target=self._write, args=[fifo], name="fifo writer")
            self._writer.start()
        self._waiting.put(captured(bodies))

    def _write(self, fifo: io.FileIO) -> None:
        # BrokenPipeError: the source was left before it read everything
        with fifo, contextlib.suppress(BrokenPipeError):
            while data := self._waiting.get():
                while data:
                    data = data[fifo.write(data) :]


SOURCES = [FileHarness, FifoHarness]
