"""Redis behind a network that breaks, read with kombu."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from bridge.sources.kombu import KombuSource
from tests.ledger import publish
from tests.servers.proxy import Proxy
from tests.servers.redis import RedisServer


class KombuRedisHarness:
    """Pub/sub has no queues: every source of the session hears every test, one at a time."""

    name = "kombu-redis"
    fixtures = ("redis",)
    seconds = 20.0
    has_server = True
    can_drop = True
    can_break = False
    remembers = False
    ends = False
    seeks = False

    def __init__(self, request: pytest.FixtureRequest, tmp_path: Path) -> None:
        self._server: RedisServer = request.getfixturevalue("redis")
        self._proxy = Proxy(self._server.port)

    async def __aenter__(self) -> Self:
        await self._proxy.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._proxy.__aexit__(kind, error, trace)

    def source(self, *, fail_fast: bool = False) -> KombuSource:
        return KombuSource(f"kombu+redis://127.0.0.1:{self._proxy.port}/0", fail_fast=fail_fast)

    async def publish(self, bodies: Sequence[bytes]) -> None:
        await asyncio.to_thread(publish, self._server.url, bodies)

    async def down(self) -> None:
        await self._proxy.down()

    async def up(self) -> None:
        await self._proxy.up()

    async def drop(self) -> None:
        await self._proxy.drop()

    async def break_for_good(self) -> None:
        raise NotImplementedError


SOURCES = [KombuRedisHarness]
