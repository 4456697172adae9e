"""bridge.sources.amqp.declarations"""

from collections.abc import Sequence

import pytest
from pamqp import base, commands

from bridge.clock import SystemClock
from bridge.errors import ConfigError, ConnectError, CredentialsError
from bridge.sources.amqp.declarations import declare, queue_exists
from bridge.sources.amqp.handshake import connect
from tests.running import run
from tests.unit.sources.amqp.broker import ScriptedBroker

NOT_FOUND = commands.Channel.Close(404, "NOT_FOUND", 0, 0)
REFUSED = commands.Channel.Close(403, "ACCESS_REFUSED", 0, 0)

Answers = dict[str, Sequence[base.Frame]]


def declared(answers: Answers, then: Answers | None = None, *, transient: bool = False) -> ScriptedBroker:
    """What the broker heard when the queue `q` was declared."""
    broker = ScriptedBroker(answers, then)

    async def check() -> None:
        async with broker:
            connection = await connect(broker.address(), "me", receive=lambda _: None, clock=SystemClock())
            try:
                await declare(connection, await connection.open_channel(), "q", {"x-a": 1}, transient=transient)
            finally:
                await connection.close()

    run(check())
    return broker


def declarations(broker: ScriptedBroker) -> list[commands.Exchange.Declare]:
    return [method for method in broker.heard if isinstance(method, commands.Exchange.Declare)]


def test_an_exchange_that_is_there_is_only_looked_for() -> None:
    """That needs no right to configure it."""
    broker = declared({})
    (passive,) = declarations(broker)
    assert (passive.exchange, passive.passive) == ("celeryev", True)


def test_an_exchange_that_is_not_there_is_made_as_celery_does() -> None:
    """A durable topic; the refused channel is not used again."""
    broker = declared({"Exchange.Declare": [NOT_FOUND]}, {"Exchange.Declare": [commands.Exchange.DeclareOk()]})
    passive, ours = declarations(broker)
    assert (ours.exchange, ours.exchange_type, ours.durable) == ("celeryev", "topic", True)
    assert (passive.passive, ours.passive, ours.auto_delete) == (True, False, False)


@pytest.mark.parametrize("transient", [False, True])
def test_the_queue_is_declared_and_bound(transient: bool) -> None:
    """Durable, or gone with the connection; bound to every key."""
    broker = declared({}, transient=transient)
    queue, bind = broker.last(commands.Queue.Declare), broker.last(commands.Queue.Bind)
    assert isinstance(queue, commands.Queue.Declare)
    assert isinstance(bind, commands.Queue.Bind)
    assert (queue.queue, queue.durable, queue.arguments) == ("q", not transient, {"x-a": 1})
    assert (queue.exclusive, queue.auto_delete) == (transient, transient)
    assert (bind.queue, bind.exchange, bind.routing_key) == ("q", "celeryev", "#")


@pytest.mark.parametrize(
    ("answers", "kind", "words"),
    [
        ({"Exchange.Declare": [REFUSED]}, CredentialsError, "right to see celeryev"),
        ({"Queue.Declare": [REFUSED]}, CredentialsError, "right to configure the queue q"),
        ({"Queue.Bind": [REFUSED]}, CredentialsError, "write to the queue q and read from the exchange celeryev"),
        (
            {"Queue.Declare": [commands.Channel.Close(406, "inequivalent arg 'x'", 0, 0)]},
            ConfigError,
            "exists with other arguments: inequivalent arg 'x'",
        ),
        ({"Queue.Declare": [commands.Channel.Close(406, "invalid arg", 0, 0)]}, ConfigError, "cannot be declared"),
        ({"Queue.Bind": [commands.Connection.Close(320, "shutdown", 0, 0)]}, ConnectError, "shutdown"),
    ],
)
def test_a_refusal_says_what_it_was_for(answers: Answers, kind: type[Exception], words: str) -> None:
    """The right that is missing, the arguments that differ, or that the connection is lost."""
    with pytest.raises(kind, match=words):
        declared(answers)


def test_a_missing_right_to_make_the_exchange_is_named() -> None:
    """It is not there, and we may not make it."""
    with pytest.raises(CredentialsError, match="configure the exchange celeryev"):
        declared({"Exchange.Declare": [NOT_FOUND]}, {"Exchange.Declare": [REFUSED]})


@pytest.mark.parametrize(("answer", "expected"), [(commands.Queue.DeclareOk("q", 0, 0), True), (NOT_FOUND, False)])
def test_a_queue_can_be_looked_for(answer: base.Frame, expected: bool) -> None:
    """Without making it."""

    async def check() -> bool:
        async with ScriptedBroker({"Queue.Declare": [answer]}) as broker:
            connection = await connect(broker.address(), "me", receive=lambda _: None, clock=SystemClock())
            try:
                return await queue_exists(connection, "q")
            finally:
                await connection.close()

    assert run(check()) is expected
