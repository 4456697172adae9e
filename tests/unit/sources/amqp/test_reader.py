"""bridge.sources.amqp.reader"""

import asyncio

import pytest
from structlog.testing import capture_logs

from bridge.errors import BridgeError, ConfigError, ConnectError, CredentialsError, SourceError
from bridge.model import Delivery, Gap, Poison
from bridge.sources.amqp.depth import ASK_SECONDS, Depth
from bridge.sources.amqp.reader import Reader
from bridge.sources.amqp.refusal import refusal
from bridge.telemetry import Counters
from bridge.testing import FakeClock
from tests.running import run, until
from tests.unit.sources.amqp.scripted import Reading, ScriptedConsumer


async def taken(reader: Reader, count: int) -> list[Delivery | Gap]:
    """So many items, as soon as they are there."""
    items: list[Delivery | Gap] = []
    while len(items) < count:
        reader.changed.clear()
        items += reader.arrivals.take()
        if len(items) < count:
            await reader.changed.wait()
    return items


def bodies(items: list[Delivery | Gap]) -> list[bytes]:
    return [item.body for item in items if isinstance(item, Delivery)]


def test_it_consumes_only_once_started() -> None:
    """Connected it declares; deliveries are asked for when the chain is ready."""

    async def check() -> None:
        consumer = ScriptedConsumer()
        reading = Reading(consumer)
        reading.reader.begin()
        await until(lambda: reading.reader.connected)
        assert consumer.calls == ["open"]
        reading.reader.start()
        await until(lambda: consumer.calls == ["open", "consume"])
        assert consumer.prefetch == 5000
        await reading.reader.close()

    run(check())


def test_what_is_settled_is_acknowledged_at_once() -> None:
    """Not a turn of the loop later: what the sink sends then may cost us the processor, and a crash would repeat it."""

    async def check() -> None:
        consumer = ScriptedConsumer()
        async with Reading(consumer) as reader:
            await until(lambda: consumer.prefetch > 0)
            consumer.give(b"1", b"2", b"3", b"4")
            one, two, three, four = await taken(reader, 4)
            reader.settle([one])
            assert consumer.acks == [(1, True)]
            reader.settle([three])
            assert consumer.acks == [(1, True)]  # a hole is before it
            reader.settle([two])
            reader.settle([four])
            assert consumer.acks == [(1, True), (3, True), (4, True)]

    run(check())


def test_what_is_settled_last_is_acknowledged_before_it_leaves() -> None:
    """In one ack up to a hole, and singly behind it."""

    async def check() -> None:
        consumer = ScriptedConsumer()
        async with Reading(consumer) as reader:
            await until(lambda: consumer.prefetch > 0)
            consumer.give(b"1", b"2", b"3", b"4")
            one, _, three, _ = await taken(reader, 4)
            reader.settle([one, three])
        assert (consumer.acks, consumer.left) == ([(1, True)], [3])

    run(check())


def test_what_a_lost_connection_gave_is_not_acknowledged_on_the_next() -> None:
    """AMQP's tags count from 1 on each."""

    async def check() -> None:
        first, second = ScriptedConsumer(), ScriptedConsumer()
        async with (reading := Reading(first, second)) as reader:
            await until(lambda: first.prefetch > 0)
            first.give(b"1", b"2")
            stale = await taken(reader, 2)
            first.fail(OSError("gone"))
            await reading.clock.until_sleeping()
            reader.settle(stale[:1])
            reading.clock.turn(5)
            await until(lambda: second.prefetch > 0)
            second.give(b"1", b"2", redelivered=True)
            again = await taken(reader, 2)
            reader.settle([stale[1], again[0]])
            await asyncio.sleep(0)
            assert (first.acks, second.acks) == ([], [(1, True)])

    run(check())


def test_a_full_window_pauses_reading_and_settling_resumes_it() -> None:
    """Also on a new connection, while the chain still holds what the old one gave."""

    async def check() -> None:
        first, second = ScriptedConsumer(), ScriptedConsumer()
        async with (reading := Reading(first, second, max_unsettled_bytes=10)) as reader:
            await until(lambda: first.prefetch > 0)
            first.give(b"12345")
            assert first.reading
            first.give(b"67890")
            assert not first.reading
            held = await taken(reader, 2)
            reader.settle(held[:1])
            assert first.reading
            first.give(b"12345")
            await taken(reader, 1)
            first.fail(OSError("gone"))
            await reading.pass_pause()
            await until(lambda: second.prefetch > 0)
            await until(lambda: not second.reading)
            reader.settle(held[1:])
            assert second.reading

    run(check())


def test_an_outage_is_one_gap_in_its_place() -> None:
    """Behind what the old connection gave, before what the new one gives at once, however many attempts it took."""

    async def check() -> None:
        first, away, second = ScriptedConsumer(), ScriptedConsumer(refuse=ConnectError("no")), ScriptedConsumer()
        second.reason, second.heard_at, second.early = "disconnected", 200.0, [b"new"]
        async with (reading := Reading(first, away, second, redelivers=False)) as reader:
            await until(lambda: first.prefetch > 0)
            first.give(b"old")
            first.fail(OSError("gone"))
            for _ in range(2):
                await reading.pass_pause()
            old, gap, new = await taken(reader, 3)
            assert bodies([old, new]) == [b"old", b"new"]
            assert gap == Gap("disconnected", 100.0, 200.0)

    run(check())


def test_what_comes_again_anyway_is_not_handed_out_twice() -> None:
    """What nobody read is forgotten, and its bytes too."""

    async def check() -> None:
        first, second = ScriptedConsumer(), ScriptedConsumer(early=[b"1"])
        async with (reading := Reading(first, second, max_unsettled_bytes=4)) as reader:
            await until(lambda: first.prefetch > 0)
            first.give(b"1", b"2", b"3", b"4")
            first.fail(OSError("gone"))
            await reading.pass_pause()
            await until(lambda: second.prefetch > 0)
            assert second.reading
            second.give(b"2")
            assert bodies(await taken(reader, 2)) == [b"1", b"2"]

    run(check())


def test_what_a_deleted_queue_had_given_is_handed_out() -> None:
    """Nobody gives it again."""

    async def check() -> None:
        first, second = ScriptedConsumer(), ScriptedConsumer(reason="queue-deleted")
        async with (reading := Reading(first, second)) as reader:
            await until(lambda: first.prefetch > 0)
            first.give(b"1")
            first.fail(OSError("gone"))
            await reading.pass_pause()
            one, gap = await taken(reader, 2)
            assert bodies([one]) == [b"1"]
            assert isinstance(gap, Gap)

    run(check())


def test_what_came_before_a_refusal_comes_again() -> None:
    """It is not handed out, and takes no room."""

    async def check() -> None:
        class GivesAndFails(ScriptedConsumer):
            async def consume(self, prefetch: int, *, one_first: bool = False) -> None:
                await super().consume(prefetch, one_first=one_first)
                raise ConnectError("gone")

        first, second = GivesAndFails(early=[b"12345"]), ScriptedConsumer(early=[b"12345"])
        async with (reading := Reading(first, second, max_unsettled_bytes=6)) as reader:
            await reading.pass_pause()
            assert bodies(await taken(reader, 1)) == [b"12345"]
            assert second.reading

    run(check())


@pytest.mark.parametrize("error", [ConnectError("away"), CredentialsError("not yet")])
def test_what_may_come_right_is_waited_for(error: BridgeError) -> None:
    """With a pause between attempts; told once."""

    async def check() -> None:
        away, there = ScriptedConsumer(refuse=error), ScriptedConsumer()
        with capture_logs() as logs:
            async with (reading := Reading(away, away, away, there)):
                for _ in range(3):
                    await reading.pass_pause()
                await until(lambda: there.prefetch > 0)
        assert [log["event"] for log in logs] == ["broker not reached, trying again", "broker connected"]
        assert away.calls[:3] == ["open", "abort", "close"]

    run(check())


@pytest.mark.parametrize("error", [ConnectError("away"), CredentialsError("no")])
def test_fail_fast_tries_every_address_once(error: BridgeError) -> None:
    """And ends with the last one's error."""

    async def check() -> None:
        async with (reading := Reading(ScriptedConsumer(refuse=error), attempts=2)) as reader:
            await reading.pass_pause()
            await until(lambda: reader.ended)
            assert reader.failure is error
            assert len(reading.made) == 2

    run(check())


def test_fail_fast_is_for_the_right_to_read_too() -> None:
    """It is missed only when deliveries are asked for."""

    async def check() -> None:
        consumer = ScriptedConsumer()
        reading = Reading(consumer, attempts=1)
        reading.reader.begin()
        await until(lambda: reading.reader.connected)
        consumer.refuse_consume = CredentialsError("no right to read")
        reading.reader.start()
        await until(lambda: reading.reader.ended)
        assert reading.reader.failure is consumer.refuse_consume
        assert consumer.calls[-1] == "close"
        await reading.reader.close()

    run(check())


def test_fail_fast_is_only_for_the_first_connection() -> None:
    """After that the broker is waited for."""

    async def check() -> None:
        first, away, second = ScriptedConsumer(), ScriptedConsumer(refuse=ConnectError("away")), ScriptedConsumer()
        async with (reading := Reading(first, away, second, attempts=1)):
            await until(lambda: first.prefetch > 0)
            first.fail(OSError("gone"))
            for _ in range(2):
                await reading.pass_pause()
            await until(lambda: second.prefetch > 0)

    run(check())


def test_a_configuration_error_ends_it() -> None:
    """Also after a reconnect: somebody declared the queue anew."""

    async def check() -> None:
        first, second = ScriptedConsumer(), ScriptedConsumer(refuse=ConfigError("other arguments"))
        async with (reading := Reading(first, second)) as reader:
            await until(lambda: first.prefetch > 0)
            first.fail(OSError("gone"))
            await reading.pass_pause()
            await until(lambda: reader.ended)
            assert reader.failure is second.refuse

    run(check())


def test_a_bug_ends_it_as_a_source_error() -> None:
    """With its traceback in the log; a task that dies silently would leave `read` waiting for ever."""

    async def check() -> None:
        with capture_logs() as logs:
            async with Reading(ScriptedConsumer(refuse=KeyError("bug"))) as reader:
                await until(lambda: reader.ended)
                assert isinstance(reader.failure, SourceError)
        assert [log["event"] for log in logs] == ["amqp reader failed"]

    run(check())


def test_stopped_it_throws_away_what_still_comes() -> None:
    """It is not settled, so the broker keeps it; what was delivered before is acknowledged still."""

    async def check() -> None:
        consumer = ScriptedConsumer()
        async with Reading(consumer) as reader:
            await until(lambda: consumer.prefetch > 0)
            consumer.give(b"1")
            reader.stop()
            consumer.give(b"2")
            items = await taken(reader, 1)
            assert bodies(items) == [b"1"]
            assert reader.arrivals.take() == []
            reader.settle([item for item in items if isinstance(item, Delivery)])
        assert consumer.acks == [(1, True)]
        assert "close" in consumer.calls

    run(check())


def test_stopped_while_the_broker_is_away_it_ends() -> None:
    """No attempt is waited for."""

    async def check() -> None:
        async with (reading := Reading(ScriptedConsumer(refuse=ConnectError("away")))) as reader:
            await reading.clock.until_sleeping()
            reader.stop()
            assert reader.ended
            assert reader.failure is None

    run(check())


def test_the_next_connection_asks_for_what_fits() -> None:
    """Bodies larger than expected would overflow the window again."""

    async def check() -> None:
        first, second = ScriptedConsumer(), ScriptedConsumer()
        async with (reading := Reading(first, second, max_unsettled_bytes=100)):
            await until(lambda: first.prefetch > 0)
            first.give(b"x" * 20, b"x" * 30)
            first.fail(OSError("gone"))
            await reading.pass_pause()
            await until(lambda: second.prefetch > 0)
            assert second.prefetch == 4

    run(check())


def test_the_depth_is_watched_while_there_is_a_connection() -> None:
    """Over each of them anew; after the last it is not known."""

    async def check() -> None:
        counters, clock = Counters(), FakeClock()
        depth = Depth({"x-max-length": 10}, shown="amqp://h", counters=counters, clock=clock)
        first, second = ScriptedConsumer(waiting=3), ScriptedConsumer(waiting=4)
        reading = Reading(first, second, depth=depth)
        async with reading as reader:
            for consumer, messages in ((first, 3), (second, 4)):
                await clock.until_sleeping()
                clock.turn(ASK_SECONDS)
                await until(lambda messages=messages: counters.queue_messages == messages)  # type: ignore[misc]
                if consumer is first:
                    first.fail(OSError("gone"))
                    await reading.clock.until_sleeping()
                    assert counters.queue_messages is None
                    reading.clock.turn(60)
            reader.stop()
        assert counters.queue_messages is None

    run(check())


def test_the_first_delivery_lets_the_others_come_before_it_is_handed_out() -> None:
    """So its ack, which would bring the first consumer another one, is counted after that."""

    async def check() -> None:
        consumer = ScriptedConsumer()
        async with Reading(consumer) as reader:
            await until(lambda: consumer.prefetch > 0)
            assert consumer.one_first
            consumer.give(b"1")
            assert consumer.calls == ["open", "consume", "others"]
            consumer.give(b"2", b"3")
            assert bodies(await taken(reader, 3)) == [b"1", b"2", b"3"]
            assert consumer.calls == ["open", "consume", "others"]

    run(check())


def test_deliveries_come_one_by_one_while_they_have_come_back_too_often() -> None:
    """So that the next crash is charged to one only; the first that has not lets the others come, once."""

    async def check() -> None:
        consumer = ScriptedConsumer()
        async with Reading(consumer) as reader:
            await until(lambda: consumer.prefetch > 0)
            for count in (4, 3):
                consumer.give(b"charged", count=count)
                reader.settle([item for item in await taken(reader, 1) if isinstance(item, Delivery)])
            assert consumer.calls == ["open", "consume"]
            consumer.give(b"innocent", count=2)
            assert consumer.calls == ["open", "consume", "others"]
            consumer.give(b"another", count=7)  # not alone, so not charged
            items = await taken(reader, 2)
            assert bodies(items) == [b"innocent", b"another"]
            assert not [item for item in items if isinstance(item, Poison)]

    run(check())


def test_what_came_back_five_times_and_is_alone_is_poison() -> None:
    """It is handed out as such, and settled like any other."""

    async def check() -> None:
        consumer = ScriptedConsumer()
        async with Reading(consumer) as reader:
            await until(lambda: consumer.prefetch > 0)
            consumer.give(b"deadly", count=5)
            (poison,) = await taken(reader, 1)
            assert isinstance(poison, Poison)
            assert (poison.body, poison.attempts) == (b"deadly", 5)
            reader.settle([poison])
            await asyncio.sleep(0)
            assert consumer.acks == [(1, True)]

    run(check())


def test_with_a_prefetch_of_one_every_delivery_is_alone() -> None:
    """Also behind one that is not suspect."""

    async def check() -> None:
        consumer = ScriptedConsumer()
        async with Reading(consumer, prefetch=1) as reader:
            await until(lambda: consumer.prefetch > 0)
            consumer.give(b"1")
            consumer.give(b"deadly", count=5)
            first, second = await taken(reader, 2)
            assert not isinstance(first, Poison)
            assert isinstance(second, Poison)

    run(check())


def test_a_lost_connection_condemns_nobody() -> None:
    """The broker counts it as it counts a crash; but we are still there."""

    async def check() -> None:
        first, second = ScriptedConsumer(), ScriptedConsumer()
        async with (reading := Reading(first, second)) as reader:
            await until(lambda: first.prefetch > 0)
            first.give(b"held", count=4)
            await taken(reader, 1)
            first.fail(OSError("gone"))
            await reading.pass_pause()
            await until(lambda: second.prefetch > 0)
            second.give(b"held", count=5)
            (again,) = await taken(reader, 1)
            assert not isinstance(again, Poison)

    run(check())


def test_after_an_ack_that_came_too_late_nothing_is_asked_for_until_the_sink_has_caught_up() -> None:
    """
    While the sink is down for hours RabbitMQ would close every channel after 30 minutes (consumer_timeout), each time
    charge what was in flight with a return, and put it behind what was not. What nobody had read is owed by nobody.
    """

    async def check() -> None:
        first, second = ScriptedConsumer(), ScriptedConsumer()
        async with (reading := Reading(first, second)) as reader:
            await until(lambda: first.prefetch > 0)
            first.give(b"1", b"2")
            held = await taken(reader, 2)
            first.give(b"3")
            first.fail(refusal(406, "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out"))
            await reading.pass_pause()
            await until(lambda: second.calls == ["open"])
            reader.settle(held[:1])
            for _ in range(5):
                await asyncio.sleep(0)
            assert second.calls == ["open"]
            reader.settle(held[1:])
            await until(lambda: second.prefetch > 0)

    run(check())


def test_what_comes_while_a_connection_is_given_up_is_owed_by_nobody() -> None:
    """A broker that was too slow to answer may deliver at last: nobody is given that, so nobody would settle it."""

    async def check() -> None:
        slow = ScriptedConsumer(late=[b"x" * 1000])  # as much as may be unsettled
        second, third = ScriptedConsumer(), ScriptedConsumer()
        reading = Reading(slow, second, third)
        reading.reader.begin()
        await until(lambda: reading.reader.connected)
        slow.refuse_consume = ConnectError("no answer")
        reading.reader.start()
        await reading.pass_pause()
        await until(lambda: second.prefetch > 0)
        assert second.reading
        second.fail(refusal(406, "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out"))
        await reading.pass_pause()
        await until(lambda: third.prefetch > 0)
        await reading.reader.close()

    run(check())


def test_an_ack_that_was_only_just_too_late_holds_nothing_up() -> None:
    """The sink has everything by the time the channel's end is heard of, so nothing will be settled any more."""

    async def check() -> None:
        first, second = ScriptedConsumer(), ScriptedConsumer()
        async with (reading := Reading(first, second)) as reader:
            await until(lambda: first.prefetch > 0)
            first.give(b"1")
            reader.settle(await taken(reader, 1))
            first.give(b"2")
            first.fail(refusal(406, "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out"))
            await reading.pass_pause()
            await until(lambda: second.prefetch > 0)

    run(check())


def test_a_queue_that_does_not_count_is_never_suspected() -> None:
    """A transient one: all that fits is asked for at once."""

    async def check() -> None:
        consumer = ScriptedConsumer()
        async with Reading(consumer, redelivers=False):
            await until(lambda: consumer.prefetch > 0)
            assert not consumer.one_first

    run(check())


def test_answers_are_read_while_deliveries_are_asked_for_though_the_window_is_full() -> None:
    """Else the broker's answer would never come; afterwards reading pauses."""

    async def check() -> None:
        consumer = ScriptedConsumer()
        consumer.answers.clear()
        reading = Reading(consumer, max_unsettled_bytes=20)
        reading.reader.begin()
        await until(lambda: reading.reader.connected)
        reading.reader.start()
        await until(lambda: consumer.prefetch > 0)
        consumer.give(b"x" * 20)
        assert consumer.reading
        consumer.answers.set()
        await until(lambda: not consumer.reading)
        await reading.reader.close()

    run(check())


@pytest.mark.parametrize(("count", "calls"), [(2, ["others"]), (3, [])])
def test_a_stop_leaves_what_came_back_in_its_order(count: int, calls: list[str]) -> None:
    """What is alone goes behind all others that came back, so those come too, though nobody wants them."""

    async def check() -> None:
        consumer = ScriptedConsumer()
        async with Reading(consumer) as reader:
            await until(lambda: consumer.prefetch > 0)
            reader.stop()
            consumer.give(b"1", count=count)
            assert consumer.calls == ["open", "consume", *calls]
            assert reader.arrivals.take() == []

    run(check())
