"""bridge.sources.amqp.channel"""

import asyncio

import pytest
from pamqp import base, commands
from pamqp import exceptions as refusals

from bridge.sources.amqp.channel import Channel
from tests.running import run

QOS, QOS_OK = commands.Basic.Qos(0, 7, False), commands.Basic.QosOk()


class Wire:
    """What a channel sends."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, str]] = []
        self.methods: list[base.Frame] = []
        self.channel = Channel(3, self.send, 5.0)

    def send(self, number: int, method: base.Frame) -> None:
        self.sent.append((number, method.name))
        self.methods.append(method)


def test_a_call_is_sent_and_waits_for_its_answer() -> None:
    """On the channel's number."""

    async def check() -> None:
        wire = Wire()
        calling = asyncio.create_task(wire.channel.call(QOS, commands.Basic.QosOk))
        await asyncio.sleep(0)
        assert wire.sent == [(3, "Basic.Qos")]
        wire.channel.receive(QOS_OK)
        assert await calling is QOS_OK

    run(check())


def test_calls_are_answered_in_their_order() -> None:
    """AMQP answers one after the other; what nobody asked for is passed over."""

    async def check() -> None:
        wire = Wire()
        first = asyncio.create_task(wire.channel.call(commands.Channel.Open(), commands.Channel.OpenOk))
        second = asyncio.create_task(wire.channel.call(QOS, commands.Basic.QosOk))
        await asyncio.sleep(0)
        wire.channel.receive(commands.Queue.BindOk())
        wire.channel.receive(commands.Channel.OpenOk())
        wire.channel.receive(QOS_OK)
        assert isinstance(await first, commands.Channel.OpenOk)
        assert await second is QOS_OK

    run(check())


def test_answers_of_two_kinds_may_change_places() -> None:
    """RabbitMQ says of the second prefetch that it is set before it says of the first consumer that it is there."""

    async def check() -> None:
        wire = Wire()
        both = asyncio.gather(wire.channel.consume("q", 1), wire.channel.consume("q", 6))
        await asyncio.sleep(0)
        for answer in (QOS_OK, QOS_OK, commands.Basic.ConsumeOk("a"), commands.Basic.ConsumeOk("b")):
            wire.channel.receive(answer)
        await both

    run(check())


def test_an_answer_that_does_not_come_is_given_up() -> None:
    """After its patience; should it come later, it does not answer the next call."""

    async def check() -> None:
        wire = Wire()
        channel = Channel(1, wire.send, 0.01)
        with pytest.raises(TimeoutError):
            await channel.call(commands.Channel.Open(), commands.Channel.OpenOk)
        second = asyncio.create_task(wire.channel.call(QOS, commands.Basic.QosOk))
        channel.receive(commands.Channel.OpenOk())
        await asyncio.sleep(0)
        wire.channel.receive(QOS_OK)
        assert await second is QOS_OK

    run(check())


def test_a_close_by_the_broker_is_answered_and_ends_all() -> None:
    """Calls get the reason, it is told once, and nothing more can be sent."""

    async def check() -> None:
        wire, told = Wire(), []
        wire.channel.on_end = told.append
        calling = asyncio.create_task(wire.channel.call(QOS, commands.Basic.QosOk))
        await asyncio.sleep(0)
        wire.channel.receive(commands.Channel.Close(406, "PRECONDITION_FAILED - x", 0, 0))
        with pytest.raises(refusals.AMQPPreconditionFailed, match="x"):
            await calling
        assert wire.sent[-1] == (3, "Channel.CloseOk")
        wire.channel.end(OSError("later"))
        assert [str(error) for error in told] == ["PRECONDITION_FAILED - x"]
        with pytest.raises(refusals.AMQPPreconditionFailed):
            wire.channel.send(QOS)
        wire.channel.ack(1)
        assert wire.sent[-1] == (3, "Channel.CloseOk")

    run(check())


def test_a_cancelled_consumer_is_an_end() -> None:
    """The queue was deleted: no more deliveries will come."""
    wire, told = Wire(), []
    wire.channel.on_end = told.append
    wire.channel.receive(commands.Basic.Cancel("bridge"))
    assert "cancelled the consumer" in str(told[0])
    assert wire.channel.error is told[0]


@pytest.mark.parametrize(("asked", "sent"), [(0, 1), (5000, 5000), (100_000, 65535)])
def test_a_consumer_has_its_prefetch_and_arguments(asked: int, sent: int) -> None:
    """The prefetch is its own, within what AMQP can say; each delivery is acknowledged. All is sent at once."""

    async def check() -> None:
        wire = Wire()
        consuming = asyncio.create_task(wire.channel.consume("q", asked, {"x-stream-offset": 7}))
        while len(wire.methods) < 2:  # noqa: ASYNC110 - nothing says so
            await asyncio.sleep(0)
        wire.channel.receive(QOS_OK)
        wire.channel.receive(commands.Basic.ConsumeOk("bridge"))
        await consuming
        qos, consume = wire.methods
        assert isinstance(qos, commands.Basic.Qos)
        assert isinstance(consume, commands.Basic.Consume)
        assert (qos.prefetch_count, qos.global_) == (sent, False)
        assert (consume.queue, consume.no_ack, consume.arguments) == ("q", False, {"x-stream-offset": 7})

    run(check())


def test_an_ack_has_no_answer() -> None:
    """It is sent at once."""

    async def check() -> None:
        wire = Wire()
        wire.channel.ack(7, multiple=True)
        (ack,) = wire.methods
        assert isinstance(ack, commands.Basic.Ack)
        assert (ack.delivery_tag, ack.multiple) == (7, True)

    run(check())


@pytest.mark.parametrize(
    ("second", "asked", "answer"),
    [
        (True, commands.Basic.Consume, commands.Basic.ConsumeOk("bridge-end")),
        (False, commands.Basic.Cancel, commands.Basic.CancelOk("bridge")),
    ],
)
def test_catching_up_waits_for_an_answer(second: bool, asked: type[base.Frame], answer: base.Frame) -> None:
    """Of a second consumer beside the first, or of the cancelled one."""

    async def check() -> None:
        wire = Wire()
        waiting = asyncio.create_task(wire.channel.catch_up("q", second=second))
        await asyncio.sleep(0)
        (method,) = wire.methods
        assert isinstance(method, asked)
        assert not waiting.done()
        wire.channel.receive(answer)
        await waiting

    run(check())


@pytest.mark.parametrize("by", [None, "b"])
def test_a_consumer_is_replaced_without_waiting(by: str | None) -> None:
    """By one that waits already, or a new one; no answer is asked for."""
    wire = Wire()
    wire.channel.replace("q", "a", by)
    cancel, *consume = wire.methods
    assert isinstance(cancel, commands.Basic.Cancel)
    assert (cancel.consumer_tag, cancel.nowait) == ("a", True)
    found = [(one.queue, one.consumer_tag, one.nowait) for one in consume if isinstance(one, commands.Basic.Consume)]
    assert found == ([] if by is None else [("q", "b", True)])


def test_on_a_closed_channel_nothing_is_replaced() -> None:
    """The next connection begins anew."""
    wire = Wire()
    wire.channel.end(OSError("gone"))
    wire.channel.replace("q", "a", None)
    assert wire.methods == []
