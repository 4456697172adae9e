"""The lines sink over a pipe, which can be full or broken, and over a file."""

import asyncio
import contextlib
import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from bridge.model import Record
from bridge.sinks.stdout import LinesSink, LineWriter
from tests.contract.harness import value
from tests.running import until


class FileHarness:
    """A file that is appended to."""

    name = "lines-file"
    fixtures = ()
    seconds = 10.0
    has_server = False
    can_drop = False
    can_break = False
    can_hold = False
    can_refuse = False
    remembers = False

    def __init__(self, request: pytest.FixtureRequest, tmp_path: Path) -> None:
        self._path = tmp_path / "events.jsonl"
        self._writer = LineWriter(f"file:{self._path}")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def sink(self, *, fail_fast: bool = False) -> LinesSink:
        return LinesSink(self._writer)

    def record(self, number: int, size: int = 0) -> Record:
        return Record(value(number, size))

    def refused(self, number: int) -> Record:
        raise NotImplementedError

    async def received(self) -> list[bytes]:
        return self._path.read_bytes().splitlines() if self._path.exists() else []

    async def dead_letters(self) -> list[bytes]:
        return []

    async def hold(self) -> None:
        raise NotImplementedError

    async def release(self) -> None:
        raise NotImplementedError

    async def down(self) -> None:
        raise NotImplementedError

    async def up(self) -> None:
        raise NotImplementedError

    async def drop(self) -> None:
        raise NotImplementedError

    async def break_for_good(self) -> None:
        raise NotImplementedError


class PipeHarness(FileHarness):
    """stdout is a pipe of ours, read on the loop of the claim."""

    name = "stdout-pipe"
    can_break = True
    can_hold = True

    def __init__(self, request: pytest.FixtureRequest, tmp_path: Path) -> None:
        self._reader, self._output = os.pipe()
        os.set_blocking(self._reader, False)
        self._writer = LineWriter("stdout", stdout=self._output)
        self._got = bytearray()
        self._broken = False

    async def __aenter__(self) -> Self:
        await self.release()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._broken:
            await self.break_for_good()
        # The thread may still be writing to it, and the number must not become somebody else's before it ends.
        await until(lambda: not any(thread.name == "writer stdout" for thread in threading.enumerate()))
        os.close(self._output)

    async def received(self) -> list[bytes]:
        if not self._broken:
            self._read()
        return bytes(self._got).splitlines()

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._reader, 1 << 20):
                self._got += data

    async def hold(self) -> None:
        asyncio.get_running_loop().remove_reader(self._reader)

    async def release(self) -> None:
        asyncio.get_running_loop().add_reader(self._reader, self._read)

    async def break_for_good(self) -> None:
        self._read()
        self._broken = True
        asyncio.get_running_loop().remove_reader(self._reader)
        os.close(self._reader)


SINKS = [FileHarness, PipeHarness]
