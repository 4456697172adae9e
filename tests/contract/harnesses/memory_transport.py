"""Kombu's in-memory transport: it has no server that could fail."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import pytest
from kombu import Connection

from bridge.sources.kombu import KombuSource
from tests.ledger import publish


class MemoryTransportHarness:
    """All connections of a process share one broker; each test has a group of its own."""

    name = "memory-transport"
    fixtures = ()
    seconds = 10.0
    has_server = False
    can_drop = False
    can_break = False
    remembers = True
    ends = False
    seeks = False

    def __init__(self, request: pytest.FixtureRequest, tmp_path: Path) -> None:
        self._group = f"contract-{uuid4()}"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._remove)

    def _remove(self) -> None:
        connection: Any = Connection
        with connection("memory://") as memory, memory.channel() as channel:
            queue = f"celeryev.bridge.{self._group}"
            channel.queue_delete(queue)
            if "celeryev" in channel.get_exchanges():
                channel.queue_unbind(queue, "celeryev", "#")

    def source(self, *, fail_fast: bool = False) -> KombuSource:
        return KombuSource("memory://", group=self._group, fail_fast=fail_fast)

    async def publish(self, bodies: Sequence[bytes]) -> None:
        await asyncio.to_thread(publish, "memory://", bodies)

    async def down(self) -> None:
        raise NotImplementedError

    async def up(self) -> None:
        raise NotImplementedError

    async def drop(self) -> None:
        raise NotImplementedError

    async def break_for_good(self) -> None:
        raise NotImplementedError


SOURCES = [MemoryTransportHarness]
