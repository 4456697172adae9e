"""Unit tests of bridge.sinks.kafka.sink (the contract: tests/contract; real brokers: tests/integration)."""

import asyncio

import pytest

from bridge.errors import ConfigError, ConnectError, RecordError, SinkError
from bridge.model import Record
from bridge.sinks.kafka import KafkaSink
from bridge.telemetry import Status
from bridge.testing import FakeClock
from tests.running import run, until
from tests.servers.ports import free_port


def dead_letter(record: Record, cause: RecordError) -> Record:
    """Not asked for here."""
    raise AssertionError(cause)


def sink(**options: object) -> KafkaSink:
    """A sink of a broker that is not there."""
    return KafkaSink([f"127.0.0.1:{free_port()}"], "t", dead_letter=dead_letter, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("topic", ["", "a/b", "t" * 246])
def test_topic_that_cannot_be_is_a_config_error(topic: str) -> None:
    """Before anything connects."""
    with pytest.raises(ConfigError):
        KafkaSink(["h:1"], topic, dead_letter=dead_letter)


def test_property_that_cannot_be_is_a_config_error() -> None:
    """Before anything connects."""
    with pytest.raises(ConfigError, match="Kafka property acks cannot be changed"):
        sink(properties={"acks": "1"})


def test_fail_fast_raises_the_first_failure() -> None:
    """And leaves nothing open."""

    async def check() -> None:
        one = sink(fail_fast=True)
        with pytest.raises(ConnectError, match="refuses connections"):
            async with one:
                pytest.fail("connected")
        assert one.status is Status.STOPPED

    run(check())


def test_attempts_are_spaced_by_the_clock() -> None:
    """With jittered backoff: no attempt while the clock stands still."""

    async def check() -> None:
        clock = FakeClock()
        one = sink(clock=clock)
        entering = asyncio.create_task(one.__aenter__())
        for _ in range(4):
            await clock.until_sleeping()
            assert one.status is Status.STARTING
            clock.turn(5)
            await until(lambda: clock.sleepers == 0 or entering.done())
        await clock.until_sleeping()
        await one.__aexit__(None, None, None)
        await entering
        assert len(clock.slept) == 5
        assert all(0 <= delay <= 1.6 for delay in clock.slept)  # 0.1 doubled four times

    run(check())


def test_sink_that_is_not_open_takes_nothing() -> None:
    """Before it is entered, and after it was left; leaving twice is fine."""

    async def check() -> None:
        one = sink()
        assert await one.resume() is None
        for _ in range(2):
            with pytest.raises(SinkError, match="not open"):
                await one.send([], None)
            await one.__aexit__(None, None, None)

    run(check())
