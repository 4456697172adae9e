"""RabbitMQ's streams behind a network that breaks: over their own protocol, and over AMQP 0-9-1."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

import pytest

from bridge.sources.stream import StreamSource
from tests.ledger import publish
from tests.servers.ports import free_port
from tests.servers.proxy import Proxy
from tests.servers.rabbitmq import RabbitServer


class StreamHarness:
    """Each test has a group, so a stream, of its own. The broker remembers what is settled; the source, its place."""

    name = "rabbitmq-stream"
    fixtures = ("rabbitmq",)
    seconds = 30.0
    has_server = True
    can_drop = True
    can_break = True
    remembers = True
    ends = False
    seeks = True
    keeps_place = True
    counts = True

    def __init__(self, request: pytest.FixtureRequest, tmp_path: Path) -> None:
        self._server: RabbitServer = request.getfixturevalue("rabbitmq")
        self._amqp, self._streams = Proxy(self._server.port), Proxy(self._server.stream_port)
        self._group = f"contract-{uuid4()}"

    async def __aenter__(self) -> Self:
        await self._amqp.__aenter__()
        await self._streams.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._streams.__aexit__(kind, error, trace)
        await self._amqp.__aexit__(kind, error, trace)
        await asyncio.to_thread(self._remove)

    def _remove(self) -> None:
        with self._server.connect() as connection:
            connection.channel().queue_delete(f"celeryev.bridge.{self._group}.stream")

    def source(self, *, fail_fast: bool = False) -> StreamSource:
        return StreamSource(self._url(), group=self._group, fail_fast=fail_fast)

    def _url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self._amqp.port}//?stream_port={self._streams.port}"

    async def publish(self, bodies: Sequence[bytes]) -> None:
        await asyncio.to_thread(publish, self._server.url, bodies)

    async def down(self) -> None:
        await self._amqp.down()
        await self._streams.down()

    async def up(self) -> None:
        await self._streams.up()
        await self._amqp.up()

    async def drop(self) -> None:
        await self._streams.drop()
        await self._amqp.drop()

    async def break_for_good(self) -> None:
        await asyncio.to_thread(self._declare_otherwise)

    def _declare_otherwise(self) -> None:
        with self._server.connect() as connection:
            channel = connection.channel()
            channel.queue_declare(f"celeryev.bridge.{self._group}.stream", durable=True, auto_delete=False)


class OverAmqpHarness(StreamHarness):
    """Nobody listens at the port for streams, so nobody remembers what is settled."""

    name = "rabbitmq-stream-over-amqp"
    remembers = False
    counts = False

    def _url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self._amqp.port}//?stream_port={self._closed_port}"

    def __init__(self, request: pytest.FixtureRequest, tmp_path: Path) -> None:
        super().__init__(request, tmp_path)
        self._closed_port = free_port()


SOURCES = [StreamHarness, OverAmqpHarness]
