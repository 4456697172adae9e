"""The Kafka sink behind a network that breaks, with topics of its own on the session's broker."""

from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from bridge.model import Record
from bridge.sinks.kafka import KafkaSink
from tests.contract.harness import dead_letter, value
from tests.servers.kafka import KafkaServer
from tests.servers.proxy import Proxy
from tests.topics import DEAD_LETTERS, make_topics, new_topic_name, read_topic

_MIB = 1024 * 1024
_LARGEST = 2 * _MIB
_KEY = b"key"


class KafkaSinkHarness:
    """Refused for ever is what is larger than the topic and our own limit."""

    name = "kafka"
    fixtures = ("kafka",)
    seconds = 30.0
    has_server = True
    can_drop = True
    can_break = False  # Kafka can always come back
    can_hold = True
    can_refuse = True
    remembers = False

    def __init__(self, request: pytest.FixtureRequest, tmp_path: Path) -> None:
        self._server: KafkaServer = request.getfixturevalue("kafka")
        port, target = self._server.through("PROXIED")
        self._proxy = Proxy(target)
        self._proxy.port = port
        self._topic = new_topic_name()

    async def __aenter__(self) -> Self:
        settings = {"max.message.bytes": str(_LARGEST)}
        await self._proxy.__aenter__()
        await make_topics(self._server.bootstrap, self._topic, partitions=2, settings=settings)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._proxy.__aexit__(kind, error, trace)

    def sink(self, *, fail_fast: bool = False) -> KafkaSink:
        return self._sink(fail_fast=fail_fast)

    def _sink(self, *, fail_fast: bool, transactional_id: str | None = None) -> KafkaSink:
        return KafkaSink(
            [f"127.0.0.1:{self._proxy.port}"],
            self._topic,
            dead_letter=dead_letter,
            properties={"max.request.size": str(_LARGEST)},
            fail_fast=fail_fast,
            transactional_id=transactional_id,
        )

    def record(self, number: int, size: int = 0) -> Record:
        return Record(value(number, size), topic=self._topic, key=_KEY)

    def refused(self, number: int) -> Record:
        return Record(value(number, _LARGEST), topic=self._topic, key=_KEY)

    async def received(self) -> list[bytes]:
        return [record.value for record in await read_topic(self._server.bootstrap, self._topic)]

    async def dead_letters(self) -> list[bytes]:
        return [record.value for record in await read_topic(self._server.bootstrap, self._topic + DEAD_LETTERS)]

    async def hold(self) -> None:
        self._proxy.freeze()

    async def release(self) -> None:
        self._proxy.thaw()

    async def down(self) -> None:
        await self._proxy.down()

    async def up(self) -> None:
        await self._proxy.up()

    async def drop(self) -> None:
        await self._proxy.drop()


class ExactlyOnceHarness(KafkaSinkHarness):
    """With a transactional id, which only the harness's sinks have."""

    name = "kafka-exactly-once"
    remembers = True

    def sink(self, *, fail_fast: bool = False) -> KafkaSink:
        return self._sink(fail_fast=fail_fast, transactional_id=f"celery-bridge.{self._topic}")


SINKS = [KafkaSinkHarness, ExactlyOnceHarness]
