"""Unit tests of bridge.sinks.kafka.at_least_once (with brokers: tests/contract, tests/integration/test_kafka*.py)."""

import pytest

from bridge.clients.kafka import parse_properties
from bridge.errors import ConnectError
from bridge.sinks.kafka.at_least_once import AtLeastOnce
from bridge.sinks.kafka.target import Target
from bridge.sinks.kafka.window import Window
from tests.running import run
from tests.scripted_kafka import ScriptedKafka
from tests.servers.ports import free_port
from tests.unit.sinks.kafka.test_lanes import Sending


def test_position_is_the_brokers_to_remember_and_empty_sends_are_confirmed_at_once() -> None:
    """Nothing of them waits for Kafka."""

    async def check() -> None:
        window = Window()
        target = Target(("h:1",), "t", parse_properties({}), "t.dlq", own_dead_letters=True, create_topics=False)
        one = AtLeastOnce(target, window, lambda _: Sending(ScriptedKafka({})).lanes)
        assert await one.resume() is None
        send = await window.open()
        one.put(send, [], b"7")
        assert send.confirmation.done()

    run(check())


def test_server_that_is_not_there_is_a_failure_to_connect() -> None:
    """Nothing was up before."""

    async def check() -> None:
        target = Target(
            (f"127.0.0.1:{free_port()}",),
            "t",
            parse_properties({}),
            "t.dlq",
            own_dead_letters=True,
            create_topics=False,
        )
        one = AtLeastOnce(target, Window(), lambda _: Sending(ScriptedKafka({})).lanes)
        with pytest.raises(ConnectError, match="refuses connections"):
            await one.attempt(lambda: pytest.fail("up"))

    run(check())
