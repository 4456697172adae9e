"""bridge.sources.amqp.turn: what a script can show; two replicas on a real RabbitMQ are an integration test."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog
from pamqp import base, commands

from bridge.errors import BridgeError, ConfigError, CredentialsError, TurnLostError
from bridge.sources.amqp.address import addresses
from bridge.sources.amqp.turn import Turn
from bridge.testing import FakeClock
from tests.running import run, until
from tests.servers.ports import free_port
from tests.unit.sources.amqp.broker import ScriptedBroker

NOT_FOUND = commands.Channel.Close(404, "NOT_FOUND", 0, 0)
LOCKED = commands.Channel.Close(405, "RESOURCE_LOCKED", 0, 0)
REFUSED = commands.Channel.Close(403, "ACCESS_REFUSED", 0, 0)
OTHERWISE = commands.Channel.Close(406, "PRECONDITION_FAILED - inequivalent arg 'durable'", 0, 0)

Answers = dict[str, Sequence[base.Frame]]

FREE: Answers = {"Exchange.Declare": [NOT_FOUND]}
"""No flag is up, until one is."""
UP: Answers = {"Exchange.Declare": [commands.Exchange.DeclareOk()]}


@asynccontextmanager
async def turn_at(broker: ScriptedBroker, clock: FakeClock, **options: Any) -> AsyncIterator[Turn]:
    """Asked for, at this broker."""
    async with broker:
        given = {"fail_fast": False, "changed": lambda: None, **options}
        turn = Turn(addresses(broker.url), "g.lock", clock=clock, **given)
        turn.begin()
        turn.begin()
        try:
            yield turn
        finally:
            await turn.release()
            await turn.release()


async def turned(clock: FakeClock, holds: Callable[[], bool]) -> None:
    """Let time go by until `holds`."""

    def look() -> bool:
        clock.turn(1.0)
        return holds()

    await until(look)


def test_a_free_turn_is_taken() -> None:
    """An exclusive classic queue, consumed so that its end is noticed; then the flag that goes with it."""

    async def check() -> None:
        broker = ScriptedBroker(FREE, UP)
        async with turn_at(broker, FakeClock()) as turn:
            await until(lambda: turn.held)
            assert broker.names[-6:] == [
                "Channel.Open", "Queue.Declare", "Basic.Qos", "Basic.Consume", "Exchange.Declare", "Queue.Bind",
            ]  # fmt: skip
            (lock,) = [method for method in broker.heard if isinstance(method, commands.Queue.Declare)]
            assert (lock.queue, lock.exclusive, lock.durable) == ("g.lock", True, False)
            assert lock.arguments == {"x-queue-type": "classic"}
            passive, flag = [method for method in broker.heard if isinstance(method, commands.Exchange.Declare)]
            assert (passive.passive, flag.passive) == (True, False)
            assert (flag.exchange, flag.auto_delete, flag.durable) == ("g.lock", True, False)
        assert not turn.held
        assert broker.names[-1] == "Connection.Close"

    run(check())


def test_while_the_flag_is_up_nothing_is_refused() -> None:
    """The one who waits looks once a second, on one channel, and says so once."""

    async def check() -> None:
        broker, clock = ScriptedBroker(UP), FakeClock()
        with structlog.testing.capture_logs() as logs:
            async with turn_at(broker, clock) as turn:
                await turned(clock, lambda: broker.names.count("Exchange.Declare") >= 20)
                assert not turn.held
                assert broker.names.count("Channel.Open") == 1
                assert "Queue.Declare" not in broker.names
                assert all(0.5 <= seconds <= 1.0 for seconds in clock.slept)
        assert [line["event"] for line in logs] == ["waiting for the active replica"]
        assert logs[0]["lock"] == "g.lock"

    run(check())


def test_a_flag_that_was_left_up_is_found_out() -> None:
    """Now and then the lock itself is tried."""

    async def check() -> None:
        broker, clock = ScriptedBroker(UP), FakeClock()
        async with turn_at(broker, clock) as turn:
            await turned(clock, lambda: "Queue.Declare" in broker.names)
            assert 55 <= broker.names.count("Exchange.Declare") <= 65
            await until(lambda: turn.held)

    run(check())


def test_a_lock_that_another_one_has_is_waited_for() -> None:
    """It may be between its lock and its flag; as soon as the lock is free it is ours."""

    async def check() -> None:
        broker, clock = ScriptedBroker(FREE | {"Queue.Declare": [LOCKED]}, {"Queue.Declare": [LOCKED]}), FakeClock()
        async with turn_at(broker, clock) as turn:
            await turned(clock, lambda: broker.names.count("Queue.Declare") >= 3)
            assert not turn.held
            broker.script({"Queue.Declare": [commands.Queue.DeclareOk("g.lock", 0, 0)]} | UP)
            await turned(clock, lambda: turn.held)

    run(check())


@pytest.mark.parametrize("how", ["cut", "deleted"])
def test_a_turn_that_was_lost_is_taken_again(how: str) -> None:
    """With the connection or with the queue: it is not held until the broker gives it again."""

    async def check() -> None:
        broker = ScriptedBroker(FREE, UP)
        async with turn_at(broker, FakeClock()) as turn:
            await until(lambda: turn.held)
            broker.script(FREE, UP)
            if how == "cut":
                broker.cut()
            else:
                broker.send(commands.Basic.Cancel("bridge"), channel=1)
            await until(lambda: broker.connections == 2 and turn.held)
            assert turn.failure is None

    run(check())


def test_a_turn_that_another_one_took_meanwhile_is_lost() -> None:
    """Who held it gives up: it has to begin anew."""

    async def check() -> None:
        broker = ScriptedBroker(FREE, UP)
        async with turn_at(broker, FakeClock()) as turn:
            await until(lambda: turn.held)
            broker.cut()
            await until(lambda: turn.failure is not None)
            assert isinstance(turn.failure, TurnLostError)
            assert not turn.held

    run(check())


@pytest.mark.parametrize("fail_fast", [False, True])
def test_a_missing_right_is_waited_for_but_with_fail_fast(fail_fast: bool) -> None:
    """It is named, once."""

    async def check() -> None:
        broker, clock = ScriptedBroker(FREE | {"Queue.Declare": [REFUSED]}), FakeClock()
        with structlog.testing.capture_logs() as logs:
            async with turn_at(broker, clock, fail_fast=fail_fast) as turn:
                if fail_fast:
                    await until(lambda: turn.failure is not None)
                    assert isinstance(turn.failure, CredentialsError)
                    return
                await turned(clock, lambda: broker.connections >= 3)
                assert turn.failure is None
        (said,) = logs
        assert "right to configure, read and write the queue g.lock" in said["reason"]

    run(check())


def test_something_else_with_the_name_of_the_lock_ends_it() -> None:
    """Waiting cannot help."""

    async def check() -> BridgeError | None:
        broker = ScriptedBroker(FREE | {"Queue.Declare": [OTHERWISE]})
        async with turn_at(broker, FakeClock()) as turn:
            await until(lambda: turn.failure is not None)
            return turn.failure

    assert isinstance(run(check()), ConfigError)


def test_the_next_broker_is_tried() -> None:
    """Of several, in turn."""

    async def check() -> None:
        clock = FakeClock()
        async with ScriptedBroker(FREE, UP) as broker:
            places = addresses(f"amqp://127.0.0.1:{free_port()};{broker.url}")
            turn = Turn(places, "g.lock", fail_fast=False, clock=clock, changed=lambda: None)
            turn.begin()
            await turned(clock, lambda: turn.held)
            await turn.release()

    run(check())
