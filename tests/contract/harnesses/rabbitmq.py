"""RabbitMQ behind a network that breaks: the durable queue, which remembers, and the transient one, which does not."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

import pytest

from bridge.sources import Source
from bridge.sources.amqp import AmqpSource
from bridge.sources.kombu import KombuSource
from tests.ledger import publish
from tests.servers.proxy import Proxy
from tests.servers.rabbitmq import RabbitServer


class QuorumHarness:
    """Each test has a group, so a queue, of its own."""

    name = "rabbitmq-quorum"
    fixtures = ("rabbitmq",)
    seconds = 30.0
    has_server = True
    can_drop = True
    can_break = True
    remembers = True
    ends = False
    seeks = False

    queue_type = "quorum"
    kind: type[AmqpSource] | type[KombuSource] = AmqpSource

    def __init__(self, request: pytest.FixtureRequest, tmp_path: Path) -> None:
        self._server: RabbitServer = request.getfixturevalue("rabbitmq")
        self._proxy = Proxy(self._server.port)
        self._group = f"contract-{uuid4()}"

    async def __aenter__(self) -> Self:
        await self._proxy.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._proxy.__aexit__(kind, error, trace)
        await asyncio.to_thread(self._remove)

    def _remove(self) -> None:
        with self._server.connect() as connection:
            connection.channel().queue_delete(f"celeryev.bridge.{self._group}")

    def source(self, *, fail_fast: bool = False) -> Source:
        url = f"amqp://guest:guest@127.0.0.1:{self._proxy.port}//"
        return self.kind(url, queue_type=self.queue_type, group=self._group, fail_fast=fail_fast)  # type: ignore[arg-type]

    async def publish(self, bodies: Sequence[bytes]) -> None:
        await asyncio.to_thread(publish, self._server.url, bodies)

    async def down(self) -> None:
        await self._proxy.down()

    async def up(self) -> None:
        await self._proxy.up()

    async def drop(self) -> None:
        await self._proxy.drop()

    async def break_for_good(self) -> None:
        await asyncio.to_thread(self._declare_otherwise)

    def _declare_otherwise(self) -> None:
        with self._server.connect() as connection:
            connection.channel().queue_declare(f"celeryev.bridge.{self._group}", durable=True, auto_delete=False)


class TransientHarness(QuorumHarness):
    """Its queues have names of their own anyway, and nothing can be declared in their way."""

    name = "rabbitmq-transient"
    can_break = False
    remembers = False
    queue_type = "transient"


class KombuQuorumHarness(QuorumHarness):
    """The same queue through kombu."""

    name = "kombu-quorum"
    kind = KombuSource


class KombuTransientHarness(TransientHarness):
    """The same queue through kombu."""

    name = "kombu-transient"
    kind = KombuSource


SOURCES = [QuorumHarness, TransientHarness, KombuQuorumHarness, KombuTransientHarness]
