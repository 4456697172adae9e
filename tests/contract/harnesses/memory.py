"""The fakes of `bridge.testing` keep the contract too."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from bridge.errors import SinkError, SourceError
from bridge.model import Record
from bridge.testing import MemorySink, MemorySource
from tests.contract.harness import DEAD, dead_letter, value

_REFUSED = b"refused for ever"


class MemorySourceHarness:
    """Every source of it is the `again` of one that is never entered."""

    name = "memory"
    fixtures = ()
    seconds = 10.0
    has_server = True
    can_drop = True
    can_break = True
    remembers = True
    ends = False
    seeks = True

    def __init__(self, request: pytest.FixtureRequest, tmp_path: Path) -> None:
        self._server = MemorySource(ends=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def source(self, *, fail_fast: bool = False) -> MemorySource:
        return self._server.again(fail_fast=fail_fast)

    async def publish(self, bodies: Sequence[bytes]) -> None:
        self._server.feed(*bodies)

    async def down(self) -> None:
        self._server.down()

    async def up(self) -> None:
        self._server.up()

    async def drop(self) -> None:
        self._server.drop()

    async def break_for_good(self) -> None:
        self._server.feed(SourceError("broken for good"))


class MemorySinkHarness:
    """All sinks of it are one object, as the memory is the server."""

    name = "memory"
    fixtures = ()
    seconds = 10.0
    has_server = True
    can_drop = True
    can_break = True
    can_hold = True
    can_refuse = True
    remembers = True

    def __init__(self, request: pytest.FixtureRequest, tmp_path: Path) -> None:
        self._sinks: list[MemorySink] = []
        self._is_up = True
        self._held = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def sink(self, *, fail_fast: bool = False) -> MemorySink:
        def refuse(record: Record) -> str | None:
            return "too large" if record.value.startswith(_REFUSED) else None

        last = self._sinks[-1] if self._sinks else MemorySink()
        sink = MemorySink(
            dead_letter=dead_letter,
            refuse=refuse,
            fail_fast=fail_fast,
            position=last.position,
            begun=last.begun,
            begun_at=last.begun_at,
        )
        if not self._is_up:
            sink.down()
        if self._held:
            sink.hold()
        self._sinks.append(sink)
        return sink

    def record(self, number: int, size: int = 0) -> Record:
        return Record(value(number, size), topic="events", key=b"key")

    def refused(self, number: int) -> Record:
        return Record(_REFUSED + value(number), topic="events", key=b"key")

    async def received(self) -> list[bytes]:
        return [record.value for sink in self._sinks for record in sink.records if not record.value.startswith(DEAD)]

    async def dead_letters(self) -> list[bytes]:
        return [record.value for sink in self._sinks for record in sink.records if record.value.startswith(DEAD)]

    async def hold(self) -> None:
        self._held = True
        for sink in self._sinks:
            sink.hold()

    async def release(self) -> None:
        self._held = False
        for sink in self._sinks:
            sink.release()

    async def down(self) -> None:
        self._is_up = False
        for sink in self._sinks:
            sink.down()

    async def up(self) -> None:
        self._is_up = True
        for sink in self._sinks:
            sink.up()

    async def drop(self) -> None:
        await self.down()
        await self.up()

    async def break_for_good(self) -> None:
        for sink in self._sinks:
            sink.fail(SinkError("broken for good"))


SOURCES = [MemorySourceHarness]
SINKS = [MemorySinkHarness]
