"""bridge.sources.amqp.leftovers"""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from pamqp import commands

from bridge.errors import ConfigError, ConnectError, CredentialsError
from bridge.sources.amqp.leftovers import Leftover, Leftovers
from tests.running import run
from tests.servers.ports import free_ports
from tests.unit.sources.amqp.broker import ScriptedBroker

NOT_FOUND = commands.Channel.Close(404, "NOT_FOUND", 0, 0)
REFUSED = commands.Channel.Close(403, "ACCESS_REFUSED", 0, 0)


def done(broker: ScriptedBroker, what: Callable[[Leftovers], Coroutine[Any, Any, Any]]) -> Any:
    """What a visit to the broker gives."""

    async def visit() -> Any:
        async with broker, Leftovers(broker.url) as leftovers:
            return await what(leftovers)

    return run(visit())


def test_a_queue_is_looked_at_passively() -> None:
    """Its messages and who reads it, without a right on it."""
    broker = ScriptedBroker({"Queue.Declare": [commands.Queue.DeclareOk("q", 12, 1)]})
    assert done(broker, lambda leftovers: leftovers.look("q", stream=False)) == Leftover("q", 12, 1)
    asked = broker.last(commands.Queue.Declare)
    assert isinstance(asked, commands.Queue.Declare)
    assert (asked.queue, asked.passive) == ("q", True)


def test_a_queue_that_is_not_there_is_none() -> None:
    """And the connection goes on."""
    broker = ScriptedBroker({"Queue.Declare": [NOT_FOUND]})

    async def look(leftovers: Leftovers) -> list[Leftover | None]:
        return [await leftovers.look(name, stream=False) for name in ("a", "b")]

    assert done(broker, look) == [None, None]


def test_a_missing_right_is_named() -> None:
    """To remove a queue is to configure it."""
    broker = ScriptedBroker({"Queue.Delete": [REFUSED]})
    with pytest.raises(CredentialsError, match="right to configure the queue q"):
        done(broker, lambda leftovers: leftovers.remove("q"))


def test_the_next_broker_is_tried() -> None:
    """Of several, as by `run`."""
    broker = ScriptedBroker()

    async def visit() -> str:
        async with broker, Leftovers(f"amqp://127.0.0.1:{free_ports(1)[0]};{broker.url}") as leftovers:
            return leftovers.shown

    assert run(visit()) == f"amqp://127.0.0.1:{broker.port}//"


def test_a_broker_that_is_not_there_is_an_error_at_once() -> None:
    """Somebody waits for an answer."""

    async def visit() -> None:
        async with Leftovers(f"amqp://127.0.0.1:{free_ports(1)[0]}"):
            pytest.fail("connected")

    with pytest.raises(ConnectError, match="cannot connect to"):
        run(visit())


def test_a_wrong_url_is_a_configuration_error() -> None:
    """Before anything connects."""
    with pytest.raises(ConfigError, match="unknown parameter"):
        Leftovers("amqp://h/?heartbeats=1")
