"""Fixtures that start servers, for tests/conftest.py. A server of the session is there before its first test begins."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.servers.kafka import KafkaServer, fetch, why_not
from tests.servers.process import sweep
from tests.servers.rabbitmq import RabbitServer
from tests.servers.rabbitmq import why_not as rabbitmq_why_not
from tests.servers.redis import RedisServer, Sentinel
from tests.servers.redis import why_not as redis_why_not
from tests.servers.require import cannot_have


@pytest.fixture(scope="session")
def leftovers_swept() -> None:
    """What earlier, killed test runs left behind is gone. For the fixtures that start servers."""
    for what in sweep():
        print(f"swept up: {what}")


def start_kafka(**arguments: Any) -> KafkaServer:
    """A broker, to be entered as a context manager, where there can be one; else the test is skipped or fails."""
    if why_not():
        cannot_have("Kafka", why_not())
    fetch()
    return KafkaServer(**arguments)


@pytest.fixture(scope="session")
def kafka(leftovers_swept: None) -> Iterator[KafkaServer]:
    """
    One broker that tests share: each makes topics of its own. Nobody stops it; its listener PROXIED is for a network
    that breaks, and `kafka_servers` for brokers that do.

    Ask for it by `@pytest.mark.servers("kafka")` too, so that it is there before the test's leaks are counted.
    """
    with start_kafka(listeners={"PROXIED": "PLAINTEXT"}, proxied=["PROXIED"]) as server:
        yield server


@pytest.fixture
def kafka_servers(leftovers_swept: None) -> Iterator[Callable[..., KafkaServer]]:
    """Makes brokers of the test's own, started, from `KafkaServer`'s arguments; ends them after it."""
    with ExitStack() as stack:
        yield lambda **arguments: stack.enter_context(start_kafka(**arguments))


@pytest.fixture(scope="session")
def rabbitmq(leftovers_swept: None) -> Iterator[RabbitServer]:
    """
    One node that tests share: each makes virtual hosts or groups of its own. Who stops it, starts it again.

    Ask for it by `@pytest.mark.servers("rabbitmq")` too, so that it is there before the test's leaks are counted.
    """
    if rabbitmq_why_not():
        cannot_have("RabbitMQ", rabbitmq_why_not())
    with RabbitServer() as server:
        yield server


@pytest.fixture
def rabbitmq_servers(leftovers_swept: None) -> Iterator[Callable[..., RabbitServer]]:
    """Makes nodes of the test's own, started, from `RabbitServer`'s arguments; ends them after it."""
    if rabbitmq_why_not():
        cannot_have("RabbitMQ", rabbitmq_why_not())
    with ExitStack() as stack:
        yield lambda **arguments: stack.enter_context(RabbitServer(**arguments))


@pytest.fixture
def redis_servers(leftovers_swept: None) -> Iterator[Callable[..., RedisServer]]:
    """Makes servers of the test's own, started, from `RedisServer`'s arguments; ends them after it."""
    if redis_why_not():
        cannot_have("Redis", redis_why_not())
    with ExitStack() as stack:
        yield lambda *options, tls=False: stack.enter_context(RedisServer(*options, tls=tls))


@pytest.fixture
def sentinels(redis_servers: Callable[..., RedisServer]) -> Iterator[Callable[..., Sentinel]]:
    """Makes sentinels of the test's own, started, from `Sentinel`'s arguments; ends them after it."""
    with ExitStack() as stack:
        yield lambda *arguments: stack.enter_context(Sentinel(*arguments))


@pytest.fixture(scope="session")
def redis(leftovers_swept: None) -> Iterator[RedisServer]:
    """One server that tests share. Ask for it by `@pytest.mark.servers("redis")` too."""
    if redis_why_not():
        cannot_have("Redis", redis_why_not())
    with RedisServer() as server:
        yield server
