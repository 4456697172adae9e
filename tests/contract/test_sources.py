"""What every source promises (`bridge.sources.Source`), on every source."""

import asyncio
from typing import cast

import pytest

from bridge.chain import Counting
from bridge.errors import ConnectError, EndOfStream, PermanentError
from bridge.model import Delivery, Gap
from bridge.sources import MAX_READ_BYTES, MAX_READ_ITEMS, Source
from tests.contract.harness import SourceHarness
from tests.contract.harnesses import sources
from tests.contract.steps import background, bodies, bodies_of, claim, drain, reading, still_waits, take

MIB = 1024 * 1024


@sources()
def test_source_hands_out_what_was_published_untouched_and_in_order(source_harness: SourceHarness) -> None:
    """Bodies are the sender's bytes, in the sender's order, with their content type."""

    async def check() -> None:
        async with reading(source_harness) as source:
            await source_harness.publish(bodies(1, 50))
            taken = await take(source, 50)
            source.settle(taken)

            assert bodies_of(taken) == bodies(1, 50)
            assert {delivery.content_type for delivery in taken} <= {None, "application/json"}

    claim(source_harness, check)


@sources(without="ends")
def test_source_read_waits_until_there_is_something(source_harness: SourceHarness) -> None:
    """A read with nothing to hand out waits, and returns as soon as something is published."""

    async def check() -> None:
        async with reading(source_harness) as source, background(source.read()) as read:
            assert await still_waits(read)

            await source_harness.publish(bodies(1, 1))

            assert bodies_of(await read) == bodies(1, 1)

    claim(source_harness, check)


@sources("ends")
def test_source_that_ends_says_so_after_the_last_item(source_harness: SourceHarness) -> None:
    """EndOfStream comes after everything was handed out, and again for every later read."""

    async def check() -> None:
        async with reading(source_harness) as source:
            await source_harness.publish(bodies(1, 20))

            assert bodies_of(await drain(source)) == bodies(1, 20)
            with pytest.raises(EndOfStream):
                await source.read()

    claim(source_harness, check)


@sources(without="ends")
def test_source_loses_nothing_by_a_cancelled_read(source_harness: SourceHarness) -> None:
    """A read that is cancelled while it waits takes nothing with it."""

    async def check() -> None:
        async with reading(source_harness) as source:
            async with background(source.read()) as read:
                assert await still_waits(read)
            await source_harness.publish(bodies(1, 5))

            assert bodies_of(await take(source, 5)) == bodies(1, 5)

    claim(source_harness, check)


@sources()
def test_source_read_is_bounded_in_items(source_harness: SourceHarness) -> None:
    """One read returns 1 to MAX_READ_ITEMS items."""

    async def check() -> None:
        async with reading(source_harness) as source:
            await source_harness.publish(bodies(1, 2500))
            reads: list[list[Delivery | Gap]] = []
            while sum(map(len, reads)) < 2500:
                reads.append(await source.read())

            assert all(1 <= len(items) <= MAX_READ_ITEMS for items in reads)
            assert [body for items in reads for body in bodies_of(items)] == bodies(1, 2500)

    claim(source_harness, check)


@sources()
def test_source_read_is_bounded_in_bytes(source_harness: SourceHarness) -> None:
    """One read returns at most MAX_READ_BYTES of bodies, and a larger delivery comes alone."""
    published = [*bodies(1, 3, 1 * MIB), *bodies(4, 5, 3 * MIB), *bodies(6, 6), *bodies(7, 7, 5 * MIB), *bodies(8, 8)]

    async def check() -> None:
        async with reading(source_harness) as source:
            await source_harness.publish(published)
            reads: list[list[bytes]] = []
            while sum(map(len, reads)) < len(published):
                reads.append(bodies_of(await source.read()))

            assert [body for read in reads for body in read] == published
            assert all(sum(map(len, read)) <= MAX_READ_BYTES or len(read) == 1 for read in reads)

    claim(source_harness, check)


@sources("has_server")
def test_source_cannot_connect_with_fail_fast(source_harness: SourceHarness) -> None:
    """With fail-fast a server that is down is a ConnectError."""

    async def check() -> None:
        await source_harness.down()
        with pytest.raises(ConnectError):
            async with source_harness.source(fail_fast=True):
                pytest.fail("connected to a server that is down")

    claim(source_harness, check)


@sources("has_server")
def test_source_connects_late(source_harness: SourceHarness) -> None:
    """A server that is down at the start is waited for."""

    async def check() -> None:
        await source_harness.down()
        source = source_harness.source()
        async with background(source.__aenter__()) as entering:
            assert await still_waits(entering)
            await source_harness.up()
            await entering
            await source.start(None)
            await source_harness.publish(bodies(1, 3))

            assert bodies_of(await take(source, 3)) == bodies(1, 3)
            await source.__aexit__(None, None, None)

    claim(source_harness, check)


@sources("has_server")
def test_source_stops_while_connecting(source_harness: SourceHarness) -> None:
    """A stop while the server is waited for ends the waiting; there is nothing to read."""

    async def check() -> None:
        await source_harness.down()
        source = source_harness.source()
        async with background(source.__aenter__()) as entering:
            assert await still_waits(entering)
            source.stop()
            await entering
            await source.start(None)

            with pytest.raises(EndOfStream):
                await source.read()
            await source.__aexit__(None, None, None)

    claim(source_harness, check)


@sources("has_server")
def test_source_can_be_cancelled_while_connecting(source_harness: SourceHarness) -> None:
    """A cancelled connect leaves nothing behind (the leak check of every test looks)."""

    async def check() -> None:
        await source_harness.down()
        source = source_harness.source()
        async with background(source.__aenter__()) as entering:
            assert await still_waits(entering)
        await source.__aexit__(None, None, None)

        assert entering.cancelled()

    claim(source_harness, check)


@sources("can_drop", "remembers", without="keeps_place")
def test_source_that_remembers_loses_nothing_when_the_connection_is_lost(source_harness: SourceHarness) -> None:
    """What was handed out and not settled comes again, marked; what is published meanwhile comes too."""

    async def check() -> None:
        async with reading(source_harness) as source:
            await source_harness.publish(bodies(1, 10))
            before = await take(source, 10)
            source.settle(before[:4])
            await source_harness.drop()
            await source_harness.publish(bodies(11, 20))
            expected = set(bodies(5, 20))
            after: list[Delivery] = []
            while not expected <= set(bodies_of(after)):
                after += await take(source, 1)

            again = {delivery.body for delivery in after if delivery.redelivered}
            assert set(bodies(5, 10)) <= again  # 1..4 too, where the acknowledgement was lost with the connection
            assert again.isdisjoint(bodies(11, 20))

    claim(source_harness, check)


@sources("can_drop", "keeps_place")
def test_source_that_keeps_its_place_repeats_and_loses_nothing_when_the_connection_is_lost(
    source_harness: SourceHarness,
) -> None:
    """Reading goes on behind what was read, and what was read may be settled after the connection was lost."""

    async def check() -> None:
        async with reading(source_harness) as source:
            await source_harness.publish(bodies(1, 10))
            before = await take(source, 10)
            await source_harness.drop()
            await source_harness.publish(bodies(11, 20))
            after = await take(source, 10)
            source.settle([*before, *after[:6]])

            assert bodies_of(after) == bodies(11, 20)
        if source_harness.remembers:
            async with reading(source_harness) as source:
                assert bodies_of(await take(source, 4)) == bodies(17, 20)

    claim(source_harness, check)


@sources("can_drop", without="remembers keeps_place")
def test_source_that_forgets_reports_a_gap_when_the_connection_is_lost(source_harness: SourceHarness) -> None:
    """Where the broker keeps nothing for us, a Gap stands where events may have been lost."""

    async def check() -> None:
        async with reading(source_harness) as source:
            await source_harness.publish(bodies(1, 3))
            await take(source, 3)
            await source_harness.drop()
            gap = next(item for item in await source.read() if isinstance(item, Gap))
            await source_harness.publish(bodies(4, 6))

            assert bodies_of(await take(source, 3)) == bodies(4, 6)
            assert gap.reason
            assert gap.from_time <= gap.to_time

    claim(source_harness, check)


@sources("has_server")
def test_source_reconnects_when_the_server_comes_back(source_harness: SourceHarness) -> None:
    """A server that goes away and comes back is no error: reading goes on; what forgets reports one Gap."""

    async def check() -> None:
        async with reading(source_harness) as source:
            await source_harness.publish(bodies(1, 3))
            source.settle(await take(source, 3))
            async with background(source.read()) as read:
                await source_harness.down()
                assert await still_waits(read)
                await source_harness.up()
                keeps = source_harness.remembers or getattr(source_harness, "keeps_place", False)
                if keeps:
                    await source_harness.publish(bodies(4, 6))
                first = await read
            if not keeps:
                assert [type(item) for item in first] == [Gap]
                await source_harness.publish(bodies(4, 6))
            taken = bodies_of(first)
            while not set(bodies(4, 6)) <= set(taken):
                taken += bodies_of(await source.read())

            assert [body for body in taken if body not in bodies(1, 3)] == bodies(4, 6)

    claim(source_harness, check)


@sources("has_server")
def test_source_stops_while_reconnecting(source_harness: SourceHarness) -> None:
    """A stop while the server is gone ends the stream."""

    async def check() -> None:
        async with reading(source_harness) as source:
            await source_harness.publish(bodies(1, 3))
            source.settle(await take(source, 3))
            async with background(drain(source)) as draining:
                await source_harness.down()
                assert await still_waits(draining)
                source.stop()

                assert bodies_of(await draining) == []

    claim(source_harness, check)


@sources("can_break")
def test_source_that_can_never_work_raises_a_permanent_error(source_harness: SourceHarness) -> None:
    """What no waiting would mend is raised, not retried."""

    async def check() -> None:
        await source_harness.break_for_good()
        with pytest.raises(PermanentError):
            async with reading(source_harness) as source:
                await source.read()

    claim(source_harness, check)


@sources()
def test_source_can_be_stopped_before_it_is_entered(source_harness: SourceHarness) -> None:
    """Stopped before anything else it hands out nothing, and can still be entered, started and left."""

    async def check() -> None:
        source = source_harness.source()
        source.stop()
        async with source:
            await source.acquire()
            await source.start(None)
            with pytest.raises(EndOfStream):
                await source.read()

    claim(source_harness, check)


@sources()
def test_source_can_be_stopped_before_it_is_started(source_harness: SourceHarness) -> None:
    """Stopped between connecting and starting it hands out nothing, and a start after that changes nothing."""

    async def check() -> None:
        async with source_harness.source() as source:
            source.stop()
            await source.acquire()
            await source.start(None)
            await source_harness.publish(bodies(1, 3))
            with pytest.raises(EndOfStream):
                await source.read()

    claim(source_harness, check)


@sources()
def test_source_can_be_left_before_it_is_entered(source_harness: SourceHarness) -> None:
    """Leaving what was never entered does nothing."""

    async def check() -> None:
        source = source_harness.source()
        await source.__aexit__(None, None, None)
        with pytest.raises(EndOfStream):
            await source.read()

    claim(source_harness, check)


@sources(without="ends")
def test_source_stop_ends_a_read_that_waits(source_harness: SourceHarness) -> None:
    """A read that waits when the source is stopped raises EndOfStream; a second stop changes nothing."""

    async def check() -> None:
        async with reading(source_harness) as source, background(source.read()) as read:
            assert await still_waits(read)
            source.stop()
            source.stop()

            with pytest.raises(EndOfStream):
                await read

    claim(source_harness, check)


@sources()
def test_source_stopped_hands_out_what_it_holds_and_then_ends(source_harness: SourceHarness) -> None:
    """After a stop reads drain, in order, what was taken from the server, and then raise EndOfStream."""

    async def check() -> None:
        async with reading(source_harness) as source:
            await source_harness.publish(bodies(1, 100))
            first = await take(source, 1)
            source.stop()
            rest = await drain(source)
            source.settle([*first, *(item for item in rest if isinstance(item, Delivery))])
            taken = bodies_of(first) + bodies_of(rest)

            assert taken == bodies(1, 100)[: len(taken)]
        if source_harness.remembers and len(taken) < 100:
            async with reading(source_harness) as source:
                assert bodies_of(await take(source, 100 - len(taken))) == bodies(1, 100)[len(taken) :]

    claim(source_harness, check)


@sources("remembers")
def test_source_settles_after_a_stop_and_the_next_gets_only_the_rest(source_harness: SourceHarness) -> None:
    """What was handed out may be settled after a stop; what is not settled comes to the next source, marked where the
    broker knows that it was sent before."""

    async def check() -> None:
        async with reading(source_harness) as source:
            await source_harness.publish(bodies(1, 10))
            taken = await take(source, 10)
            source.stop()
            source.settle(taken[:6])
            await drain(source)
        async with reading(source_harness) as source:
            again = await take(source, 4)

            assert bodies_of(again) == bodies(7, 10)
            assert getattr(source_harness, "keeps_place", False) or all(delivery.redelivered for delivery in again)

    claim(source_harness, check)


@sources("can_drop", "remembers", without="keeps_place")
def test_source_ignores_settling_what_belongs_to_a_lost_connection(source_harness: SourceHarness) -> None:
    """A delivery of the old connection settles nothing: its successor is still kept by the server."""

    async def check() -> None:
        async with reading(source_harness) as source:
            await source_harness.publish(bodies(1, 3))
            stale = await take(source, 3)
            await source_harness.drop()
            await take(source, 3)
            source.settle(stale)
        async with reading(source_harness) as source:
            assert bodies_of(await take(source, 3)) == bodies(1, 3)

    claim(source_harness, check)


@sources("remembers")
def test_source_settles_once_however_often_it_is_told(source_harness: SourceHarness) -> None:
    """Settling twice is settling once: nothing else is lost by it, and nothing comes again."""

    async def check() -> None:
        async with reading(source_harness) as source:
            await source_harness.publish(bodies(1, 3))
            taken = await take(source, 3)
            source.settle(taken[:2])
            source.settle(taken[:2])
            source.settle([])
        async with reading(source_harness) as source:
            assert bodies_of(await take(source, 1)) == bodies(3, 3)

    claim(source_harness, check)


@sources("remembers", without="keeps_place")
def test_source_settles_out_of_order_exactly_what_it_was_given(source_harness: SourceHarness) -> None:
    """Settling a later delivery does not settle an earlier one."""

    async def check() -> None:
        async with reading(source_harness) as source:
            await source_harness.publish(bodies(1, 4))
            taken = await take(source, 4)
            source.settle([taken[3], taken[1]])
        async with reading(source_harness) as source:
            assert bodies_of(await take(source, 2)) == [*bodies(1, 1), *bodies(3, 3)]

    claim(source_harness, check)


@sources("remembers", "keeps_place")
def test_source_that_remembers_a_place_goes_on_at_the_first_that_is_not_settled(source_harness: SourceHarness) -> None:
    """Settling a later delivery does not settle an earlier one: the next source begins with that."""

    async def check() -> None:
        async with reading(source_harness) as source:
            await source_harness.publish(bodies(1, 4))
            taken = await take(source, 4)
            source.settle([taken[3], taken[0]])
        async with reading(source_harness) as source:
            assert bodies_of(await take(source, 3)) == bodies(2, 4)

    claim(source_harness, check)


@sources()
def test_source_settles_after_it_was_left_without_complaint(source_harness: SourceHarness) -> None:
    """A settle that comes too late is ignored."""

    async def check() -> None:
        async with reading(source_harness) as source:
            await source_harness.publish(bodies(1, 2))
            taken = await take(source, 2)
        source.settle(taken)
        source.stop()
        with pytest.raises(EndOfStream):
            await source.read()

    claim(source_harness, check)


@sources()
def test_source_can_be_entered_started_and_left_twice(source_harness: SourceHarness) -> None:
    """A second call of each changes nothing."""

    async def check() -> None:
        async with reading(source_harness) as source:
            await source.__aenter__()
            await source.acquire()
            await source.start(None)
            await source_harness.publish(bodies(1, 3))

            assert bodies_of(await take(source, 3)) == bodies(1, 3)
        await source.__aexit__(None, None, None)

    claim(source_harness, check)


@sources("seeks")
def test_source_with_positions_goes_on_after_one(source_harness: SourceHarness) -> None:
    """`start(position)` begins right after the delivery that had it, whether or not later ones were settled."""

    async def check() -> None:
        async with reading(source_harness) as source:
            await source_harness.publish(bodies(1, 6))
            taken = await take(source, 6)
            source.settle(taken)
        async with reading(source_harness, taken[2].position) as source:
            assert bodies_of(await take(source, 3)) == bodies(4, 6)

    claim(source_harness, check)


@sources()
def test_source_leaves_the_loop_free_while_it_reads(source_harness: SourceHarness) -> None:
    """A source that always has something still lets the other tasks of the loop run."""

    async def check() -> None:
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        async with reading(source_harness) as source, background(others()):
            await source_harness.publish(bodies(1, 5000))
            before, reads, taken = turns, 0, 0
            while taken < 5000:
                taken += len(await source.read())
                reads += 1

            assert turns - before >= reads - 1

    claim(source_harness, check)


async def began(harness: SourceHarness) -> int:
    """As a process that looks and dies: how many did before."""
    async with harness.source() as source:
        await source.acquire()
        return await counting(source).begin()


def counting(source: Source) -> Counting:
    """It, as what counts."""
    return cast("Counting", source)


@sources("counts")
def test_source_that_keeps_the_position_counts_who_began_and_settled_nothing(source_harness: SourceHarness) -> None:
    """One that died of what lies behind it. Whatever is settled begins anew."""

    async def check() -> None:
        assert await began(source_harness) == 0
        async with source_harness.source() as source:
            await source.acquire()
            assert await counting(source).begin() == 1
            await source.start(None)
            await counting(source).rest()
            await source_harness.publish(bodies(1, 3))
            await take(source, 3)
            await counting(source).begin()
        async with source_harness.source() as source:
            await source.acquire()
            assert await counting(source).begin() == 2
            await source.start(None)
            taken = await take(source, 3)
            assert bodies_of(taken) == bodies(1, 3)
            source.settle(taken[:1])
        assert await began(source_harness) == 0

    claim(source_harness, check)


@sources("counts", "has_server")
def test_source_counts_a_start_once_over_a_server_that_is_away(source_harness: SourceHarness) -> None:
    """It waits for it, and may have been heard before."""

    async def check() -> None:
        async with source_harness.source() as source:
            await source.acquire()
            await source_harness.down()
            async with background(counting(source).begin()) as beginning:
                assert await still_waits(beginning)
                await source_harness.up()
                assert await beginning == 0
        assert await began(source_harness) == 1

    claim(source_harness, check)


@sources("counts", "has_server")
def test_source_that_is_stopped_while_the_server_is_away_takes_nothing_back_for_ever(
    source_harness: SourceHarness,
) -> None:
    """Nobody waits for a server then."""

    async def check() -> None:
        async with source_harness.source() as source:
            await source.acquire()
            await counting(source).begin()
            await source_harness.down()
            async with background(counting(source).rest()) as resting:
                source.stop()
                await resting
        await source_harness.up()

    claim(source_harness, check)
