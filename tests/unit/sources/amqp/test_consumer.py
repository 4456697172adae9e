"""bridge.sources.amqp.consumer"""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from pamqp import base, commands, frame

from bridge.clients.queue import QueuePlan
from bridge.clock import SystemClock
from bridge.errors import ConnectError, CredentialsError
from bridge.model import Delivery
from bridge.sources.amqp.consumer import QueueConsumer
from tests.running import run, until
from tests.unit.sources.amqp.broker import ScriptedBroker, delivery

NOT_FOUND = commands.Channel.Close(404, "NOT_FOUND", 0, 0)

CONSUMER_CHANNEL = 1
"""The first that it opens."""


class Consuming:
    """A consumer of a scripted broker, and what it told."""

    def __init__(self, broker: ScriptedBroker, queue_type: Any = "quorum", **arguments: str) -> None:
        self.got: list[Delivery] = []
        self.ends = 0
        self.consumer = QueueConsumer(
            broker.address(),
            QueuePlan(queue_type, "g", arguments),
            receive=self.got.extend,
            ended=self._end,
            tag_base=0,
            clock=SystemClock(),
        )

    def _end(self) -> None:
        self.ends += 1


@pytest.mark.parametrize(
    ("queue_type", "again", "queue", "reason"),
    [
        ("quorum", False, commands.Queue.DeclareOk("q", 0, 0), None),
        ("quorum", True, commands.Queue.DeclareOk("q", 0, 0), None),
        ("quorum", True, NOT_FOUND, "queue-deleted"),
        ("transient", False, commands.Queue.DeclareOk("q", 0, 0), None),
        ("transient", True, commands.Queue.DeclareOk("q", 0, 0), "disconnected"),
    ],
)
def test_opening_again_says_why_events_may_be_lost(
    queue_type: str, again: bool, queue: base.Frame, reason: str | None
) -> None:
    """A durable queue that is still there lost nothing, one that is not did, and a transient one always."""

    async def check() -> None:
        then = {"Queue.Declare": [commands.Queue.DeclareOk("q", 0, 0)]}
        async with ScriptedBroker({"Queue.Declare": [queue]}, then) as broker:
            it = Consuming(broker, queue_type)
            assert await it.consumer.open(again=again) == reason
            await it.consumer.close()

    run(check())


def test_it_consumes_and_acknowledges() -> None:
    """With its prefetch; the connection has the queue's name, so that it can be found."""

    async def check() -> None:
        async with ScriptedBroker() as broker:
            it = Consuming(broker)
            await it.consumer.open(again=False)
            await it.consumer.consume(7)
            broker.write(delivery(1, b"a"))
            await until(lambda: len(it.got) == 1)
            it.consumer.ack(1, multiple=True)
            await it.consumer.close([3, 5])
            start = broker.last(commands.Connection.StartOk)
            assert isinstance(start, commands.Connection.StartOk)
            assert start.client_properties["connection_name"] == "celery-event-bridge celeryev.bridge.g"
            acks = [(m.delivery_tag, m.multiple) for m in broker.heard if isinstance(m, commands.Basic.Ack)]
            assert acks == [(1, True), (3, False), (5, False)]
            assert broker.names[-2:] == ["Basic.Consume", "Connection.Close"]  # the acks are counted by then

    run(check())


@pytest.mark.parametrize(
    "end",
    [
        commands.Basic.Cancel("bridge"),
        commands.Channel.Close(406, "delivery acknowledgement timed out", 0, 0),
        None,
    ],
)
def test_an_end_is_told_once(end: base.Frame | None) -> None:
    """The queue was deleted, an ack came too late, the connection is gone; leaving is quick all the same."""

    async def check() -> None:
        async with ScriptedBroker() as broker:
            it = Consuming(broker)
            await it.consumer.open(again=False)
            await it.consumer.consume(7)
            assert it.consumer.error is None
            if end is None:
                broker.cut()
            else:
                broker.send(end, CONSUMER_CHANNEL)
            await until(lambda: it.ends == 1)
            assert it.consumer.error is not None
            it.consumer.ack(1, multiple=False)
            await it.consumer.close()
            assert it.ends == 1
            assert "Basic.Cancel" not in broker.names

    run(check())


@pytest.mark.parametrize(
    ("answers", "kind", "words"),
    [
        ({"Connection.StartOk": [commands.Connection.Close(403, "no", 0, 0)]}, CredentialsError, "refused the login"),
        ({"Connection.Open": [commands.Connection.Close(530, "no vhost", 0, 0)]}, ConnectError, "let us in"),
        ({"Channel.Open": [commands.Connection.Close(320, "shutdown", 0, 0)]}, ConnectError, "shutdown"),
        ({"Basic.Consume": [commands.Channel.Close(403, "no", 0, 0)]}, CredentialsError, "read from the queue"),
    ],
)
def test_a_refusal_is_ours(answers: dict[str, Sequence[base.Frame]], kind: type[Exception], words: str) -> None:
    """It says what to do about it; closing afterwards is safe."""

    async def check() -> None:
        async with ScriptedBroker(answers) as broker:
            it = Consuming(broker)
            with pytest.raises(kind, match=words):  # noqa: PT012 - whichever of the two
                await it.consumer.open(again=False)
                await it.consumer.consume(7)
            await it.consumer.close()

    run(check())


def test_what_was_never_opened_can_be_closed() -> None:
    """And aborted, and asked."""

    async def check() -> None:
        it = Consuming(ScriptedBroker())
        it.consumer.abort()
        it.consumer.let_read(room=False)
        it.consumer.ack(1, multiple=False)
        await it.consumer.close()
        assert it.consumer.error is None
        assert it.consumer.heard_at > 0

    run(check())


@pytest.mark.parametrize(("queue_type", "asked"), [("quorum", "Basic.Consume"), ("transient", "Basic.Cancel")])
def test_leaving_a_broker_that_hangs_is_quick(queue_type: str, asked: str) -> None:
    """
    It does not answer to the second consumer, or of a queue that has no order among consumers to the cancel: no goodbye
    is tried after that.
    """

    async def check() -> None:
        async with ScriptedBroker({"Basic.Cancel": []}, then={"Basic.Consume": []}) as broker:
            it = Consuming(broker, queue_type)
            await it.consumer.open(again=False)
            await it.consumer.consume(7)
            await it.consumer.close()
            assert broker.names[-1] == asked

    run(check())


def test_it_says_how_much_waits_until_nobody_answers() -> None:
    """On a channel of its own, one for all questions: a queue that is gone closes that one, not the consumer's."""

    async def check() -> None:
        ready, declared = commands.Queue.DeclareOk("q", 12, 1), commands.Queue.DeclareOk("q", 0, 0)
        async with ScriptedBroker({"Queue.Declare": [declared]}, {"Queue.Declare": [ready]}) as broker:
            it = Consuming(broker)
            assert await it.consumer.waiting() is None
            await it.consumer.open(again=False)
            await it.consumer.consume(7)
            before = broker.names.count("Channel.Open")
            assert [await it.consumer.waiting() for _ in range(3)] == [12, 12, 12]
            assert broker.names.count("Channel.Open") == before + 1
            broker.answer("Queue.Declare", NOT_FOUND)
            assert await it.consumer.waiting() is None
            assert it.consumer.error is None
            broker.cut()
            await until(lambda: it.ends == 1)
            assert await it.consumer.waiting() is None
            await it.consumer.close()

    run(check())


def asked(broker: ScriptedBroker) -> list[tuple[object, ...]]:
    """What a scripted broker was asked for, in order."""
    found: list[tuple[object, ...]] = []
    for one in broker.heard:
        if isinstance(one, commands.Basic.Qos):
            found.append(("prefetch", one.prefetch_count))
        elif isinstance(one, commands.Basic.Consume | commands.Basic.Cancel):
            found.append((one.name.removeprefix("Basic.").lower(), one.consumer_tag))
        elif isinstance(one, commands.Basic.Ack):
            found.append(("ack", one.delivery_tag))
    return found


FIRST = [("prefetch", 1), ("consume", "bridge-first")]
OTHERS = [("prefetch", 6), ("consume", "bridge-other")]


def test_the_first_delivery_comes_alone() -> None:
    """To a consumer of its own; that of the others waits behind it, as a standby does, until the first is cancelled."""

    async def check() -> None:
        async with ScriptedBroker() as broker:
            it = Consuming(broker)
            await it.consumer.open(again=False)
            await it.consumer.consume(7, one_first=True)
            assert asked(broker) == FIRST + OTHERS
            assert it.consumer.let_others_come()
            assert it.consumer.let_others_come()
            it.consumer.ack(1, multiple=True)
            await until(lambda: ("ack", 1) in asked(broker))
            assert asked(broker) == [*FIRST, *OTHERS, ("cancel", "bridge-first"), ("ack", 1)]
            await it.consumer.close()

    run(check())


def test_where_several_may_be_active_the_second_consumer_begins_later() -> None:
    """Else it would be given deliveries beside the first."""

    async def check() -> None:
        async with ScriptedBroker() as broker:
            it = Consuming(broker, **{"x-single-active-consumer": "false"})
            await it.consumer.open(again=False)
            await it.consumer.consume(7, one_first=True)
            assert asked(broker) == [*FIRST, OTHERS[0]]
            assert it.consumer.let_others_come()
            await it.consumer.close()
            last = [("cancel", "bridge-first"), ("consume", "bridge-other"), ("cancel", "bridge-other")]
            assert asked(broker) == [*FIRST, OTHERS[0], *last]

    run(check())


def test_a_prefetch_of_one_needs_no_second_consumer() -> None:
    """There are no others that could come."""

    async def check() -> None:
        async with ScriptedBroker() as broker:
            it = Consuming(broker)
            await it.consumer.open(again=False)
            await it.consumer.consume(1, one_first=True)
            assert not it.consumer.let_others_come()
            assert asked(broker) == [("prefetch", 1), ("consume", "bridge-other")]
            await it.consumer.close()

    run(check())


def test_a_delivery_that_comes_before_the_answers_lets_the_others_come_at_once() -> None:
    """All was asked for in one go, so the first is cancelled behind that, and before its delivery can be settled."""

    async def check() -> None:
        silent: dict[str, Sequence[base.Frame]] = {"Basic.Qos": [], "Basic.Consume": []}
        async with ScriptedBroker(silent, silent) as broker:
            it = Consuming(broker)
            await it.consumer.open(again=False)
            consuming = asyncio.create_task(it.consumer.consume(7, one_first=True))
            await until(lambda: asked(broker) == FIRST + OTHERS)
            assert it.consumer.let_others_come()
            it.consumer.ack(1, multiple=True)
            await until(lambda: asked(broker) == [*FIRST, *OTHERS, ("cancel", "bridge-first"), ("ack", 1)])
            for tag in ("bridge-first", "bridge-other"):
                broker.write(frame.marshal(commands.Basic.QosOk(), CONSUMER_CHANNEL))
                broker.write(frame.marshal(commands.Basic.ConsumeOk(tag), CONSUMER_CHANNEL))
            await consuming
            it.consumer.abort()
            await it.consumer.close()

    run(check())
