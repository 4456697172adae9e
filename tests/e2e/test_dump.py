"""`dump`: watching a cluster from a terminal, without leaving a trace on its broker."""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.e2e.bridge_process import StartBridge
from tests.ledger import Publisher, account_for, numbered, publish
from tests.records import assert_record
from tests.servers.rabbitmq import RabbitServer
from tests.servers.redis import RedisServer

pytestmark = pytest.mark.servers("rabbitmq", "redis")

EVENTS = 200


@contextmanager
def no_trace(rabbitmq: RabbitServer, redis: RedisServer) -> Iterator[None]:
    """A moment later both brokers hold the queues, keys and subscriptions that they held before."""
    with redis.client() as client:

        def held() -> tuple[list[str], list[bytes], int]:
            return rabbitmq.queues(), sorted(client.keys("*")), client.pubsub_numpat()

        before = held()
        yield
        deadline = time.monotonic() + 30
        while (after := held()) != before and time.monotonic() < deadline:
            time.sleep(0.02)
        assert after == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("broker", ["rabbitmq", "redis"])
def test_lines_on_a_pipe_and_nothing_left_behind(
    bridge: StartBridge, rabbitmq: RabbitServer, redis: RedisServer, broker: str, number: int
) -> None:
    """Each event is one JSON line; a signal ends it with 0, and its queue or subscription is gone."""
    url = rabbitmq.url if broker == "rabbitmq" else redis.url
    with no_trace(rabbitmq, redis):
        process = bridge("dump", "--broker", url)
        process.wait_for("chain started")
        with Publisher(url) as publisher:
            for event in range(EVENTS):
                publisher.send_numbered(event)
        process.wait_until(lambda: process.stdout.count(b"\n") >= EVENTS, what="all events on stdout")
        process.signal(number)
        assert process.ended() == 0
    records = [assert_record(line) for line in process.stdout.splitlines(keepends=True)]
    account = account_for(publisher.accepted, records)
    assert account.faults == {}
    assert account.repeated == {}
    assert process.alarms() == []


@pytest.mark.parametrize("broker", ["rabbitmq", "redis"])
def test_killed_it_leaves_nothing_either(
    bridge: StartBridge, rabbitmq: RabbitServer, redis: RedisServer, broker: str
) -> None:
    """The broker itself removes what belonged to a connection that is gone."""
    url = rabbitmq.url if broker == "rabbitmq" else redis.url
    with no_trace(rabbitmq, redis):
        process = bridge("dump", "--broker", url)
        process.wait_for("chain started")
        process.kill()


def test_limit_ends_it(bridge: StartBridge, rabbitmq: RabbitServer, redis: RedisServer) -> None:
    """`--limit N` prints N events and exits 0; what it had read beyond them goes with its queue."""
    with no_trace(rabbitmq, redis):
        process = bridge("dump", "--broker", rabbitmq.url, "--limit", "7", "--format", "raw")
        process.wait_for("chain started")
        with Publisher(rabbitmq.url) as publisher:
            for event in range(EVENTS):
                publisher.send_numbered(event)
        assert process.ended() == 0
    assert process.stdout.count(b"\n") == 7


def test_a_reader_that_stands_still_can_be_left(
    bridge: StartBridge, rabbitmq: RabbitServer, redis: RedisServer
) -> None:
    """Behind a paused `less` the first Ctrl-C waits for the reader, the second ends it with 130; no trace is left."""
    reading, writing = os.pipe()
    try:
        with no_trace(rabbitmq, redis):
            process = bridge("dump", "--broker", rabbitmq.url, stdout=writing)
            process.wait_for("chain started")
            large = json.loads(numbered(1)) | {"padding": "x" * 200_000}  # a pipe holds 64 KiB
            publish(rabbitmq.url, [json.dumps(large).encode()])
            os.read(reading, 1000)  # it has begun to write what it cannot end
            process.signal(signal.SIGINT)
            process.wait_for("stop requested")
            process.signal(signal.SIGINT)
            assert process.ended(within=15) == 130
    finally:
        os.close(reading)
        os.close(writing)
