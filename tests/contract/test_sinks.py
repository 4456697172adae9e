"""What every sink promises (`bridge.sinks.Sink`), on every sink."""

import asyncio
from collections.abc import Awaitable

import pytest

from bridge.errors import ConnectError, SinkError
from bridge.sinks import Sink
from tests.contract.harness import DEAD, SinkHarness, value
from tests.contract.harnesses import sinks
from tests.contract.steps import background, claim, confirmed, still_waits

MIB = 1024 * 1024


async def send_each(sink: Sink, harness: SinkHarness, first: int, last: int, size: int = 0) -> list[Awaitable[None]]:
    """One send per record, numbered from `first` to `last`; returns their confirmations."""
    return [await sink.send([harness.record(n, size)], str(n).encode()) for n in range(first, last + 1)]


def values(first: int, last: int, size: int = 0) -> list[bytes]:
    """What the records numbered from `first` to `last` hold."""
    return [value(n, size) for n in range(first, last + 1)]


def first_of_each(received: list[bytes]) -> list[bytes]:
    """Without repeats: a lost connection may send again what had arrived."""
    return list(dict.fromkeys(received))


@sinks()
def test_sink_delivers_records_untouched_and_in_order(sink_harness: SinkHarness) -> None:
    """Once confirmed, everything has arrived, each record once, in the order of sending."""

    async def check() -> None:
        async with sink_harness.sink() as sink:
            await sink.resume()
            for confirmation in [
                await sink.send([sink_harness.record(n) for n in range(1, 101)], b"1"),
                await sink.send([sink_harness.record(101)], b"2"),
                await sink.send([sink_harness.record(n, 2000) for n in range(102, 111)], b"3"),
            ]:
                await confirmation

            assert await sink_harness.received() == [*values(1, 101), *values(102, 110, 2000)]

    claim(sink_harness, check)


@sinks()
def test_sink_confirms_in_the_order_of_sending(sink_harness: SinkHarness) -> None:
    """Confirmations are done first in, first out, empty sends among them."""

    async def check() -> None:
        done: list[int] = []
        async with sink_harness.sink() as sink:
            await sink.resume()
            waiting = []
            for n in range(1, 21):
                records = [] if n % 3 == 0 else [sink_harness.record(n)]
                confirmation = asyncio.ensure_future(await sink.send(records, str(n).encode()))
                confirmation.add_done_callback(lambda _, n=n: done.append(n))  # type: ignore[misc]
                waiting.append(confirmation)
            await asyncio.gather(*waiting)
            await asyncio.sleep(0)

            assert done == list(range(1, 21))

    claim(sink_harness, check)


@sinks()
def test_sink_confirms_an_empty_send(sink_harness: SinkHarness) -> None:
    """A send of nothing only advances the position: it is confirmed, and nothing arrives."""

    async def check() -> None:
        async with sink_harness.sink() as sink:
            await sink.resume()
            await (await sink.send([], b"7"))
            await (await sink.send([], None))

            assert await sink_harness.received() == []

    claim(sink_harness, check)


@sinks("can_hold")
def test_sink_confirms_an_empty_send_only_after_those_before_it(sink_harness: SinkHarness) -> None:
    """The position never overtakes the records."""

    async def check() -> None:
        async with sink_harness.sink() as sink:
            await sink.resume()
            await sink_harness.hold()
            full = await sink.send([sink_harness.record(1, MIB)], b"1")
            async with background(confirmed(await sink.send([], b"2"))) as empty:
                assert await still_waits(empty)
                await sink_harness.release()
                await empty
                await full

            assert await sink_harness.received() == values(1, 1, MIB)

    claim(sink_harness, check)


@sinks("can_hold")
def test_sink_holds_the_sender_back(sink_harness: SinkHarness) -> None:
    """With nothing confirmed, sending waits after a bounded number of sends; then all arrive in order."""

    async def check() -> None:
        async with sink_harness.sink() as sink:
            await sink.resume()
            await sink_harness.hold()
            async with background(send_each(sink, sink_harness, 1, 40, MIB)) as sending:
                assert await still_waits(sending)
                await sink_harness.release()
                for confirmation in await sending:
                    await confirmation

            assert first_of_each(await sink_harness.received()) == values(1, 40, MIB)

    claim(sink_harness, check)


@sinks("has_server")
def test_sink_cannot_connect_with_fail_fast(sink_harness: SinkHarness) -> None:
    """With fail-fast a server that is down is a ConnectError."""

    async def check() -> None:
        await sink_harness.down()
        with pytest.raises(ConnectError):
            async with sink_harness.sink(fail_fast=True):
                pytest.fail("connected to a server that is down")

    claim(sink_harness, check)


@sinks("has_server")
def test_sink_connects_late(sink_harness: SinkHarness) -> None:
    """A server that is down at the start is waited for."""

    async def check() -> None:
        await sink_harness.down()
        sink = sink_harness.sink()
        async with background(sink.__aenter__()) as entering:
            assert await still_waits(entering)
            await sink_harness.up()
            await entering
            await sink.resume()
            await (await sink.send([sink_harness.record(1)], b"1"))
            await sink.__aexit__(None, None, None)

        assert await sink_harness.received() == values(1, 1)

    claim(sink_harness, check)


@sinks("has_server")
def test_sink_can_be_cancelled_while_connecting(sink_harness: SinkHarness) -> None:
    """A cancelled connect leaves nothing behind (the leak check of every test looks)."""

    async def check() -> None:
        await sink_harness.down()
        sink = sink_harness.sink()
        async with background(sink.__aenter__()) as entering:
            assert await still_waits(entering)
        await sink.__aexit__(None, None, None)

        assert entering.cancelled()

    claim(sink_harness, check)


@sinks("can_drop")
def test_sink_keeps_the_order_when_the_connection_is_lost(sink_harness: SinkHarness) -> None:
    """A connection lost between and during sends costs nothing and changes no order."""

    async def check() -> None:
        async with sink_harness.sink() as sink:
            await sink.resume()
            waiting = await send_each(sink, sink_harness, 1, 3)
            await sink_harness.drop()
            waiting += await send_each(sink, sink_harness, 4, 10)
            await sink_harness.drop()
            for confirmation in [*waiting, *await send_each(sink, sink_harness, 11, 15)]:
                await confirmation

            assert first_of_each(await sink_harness.received()) == values(1, 15)

    claim(sink_harness, check)


@sinks("has_server")
def test_sink_waits_for_a_server_that_goes_away(sink_harness: SinkHarness) -> None:
    """What is sent while the server is gone is delivered, in order, when it is back."""

    async def check() -> None:
        async with sink_harness.sink() as sink:
            await sink.resume()
            await (await sink.send([sink_harness.record(1)], b"1"))
            await sink_harness.down()
            async with background(send_each(sink, sink_harness, 2, 12)) as sending:
                await still_waits(sending)  # either way: how many sends it takes in meanwhile is its own affair
                await sink_harness.up()
                for confirmation in await sending:
                    await confirmation

            assert first_of_each(await sink_harness.received()) == values(1, 12)

    claim(sink_harness, check)


@sinks("has_server")
def test_sink_left_while_the_server_is_gone_leaves_nothing_undecided(sink_harness: SinkHarness) -> None:
    """Leaving does not wait for the server: what is pending is done or raises SinkError, a waiting send too."""

    async def check() -> None:
        async with sink_harness.sink() as sink:
            await sink.resume()
            await (await sink.send([sink_harness.record(1)], b"1"))
            await sink_harness.down()
            sending = asyncio.ensure_future(send_each(sink, sink_harness, 2, 40, MIB))
            await still_waits(sending)
        try:
            pending = await sending
        except SinkError:
            pending = []
        outcomes = await asyncio.gather(*map(confirmed, pending), return_exceptions=True)
        await sink_harness.up()

        assert all(isinstance(outcome, SinkError) for outcome in outcomes)
        assert (await sink_harness.received())[:1] == values(1, 1)

    claim(sink_harness, check)


@sinks("can_refuse")
def test_sink_replaces_what_is_refused_for_ever_and_delivers_the_rest(sink_harness: SinkHarness) -> None:
    """One record that is never taken becomes its dead letter; those before and behind it arrive, in order."""

    async def check() -> None:
        async with sink_harness.sink() as sink:
            await sink.resume()
            bad = sink_harness.refused(3)
            records = [sink_harness.record(1), sink_harness.record(2), bad, sink_harness.record(4)]
            for confirmation in [
                await sink.send(records, b"1"),
                await sink.send([sink_harness.refused(5)], b"2"),
                await sink.send([sink_harness.record(6)], b"3"),
            ]:
                await confirmation

            assert first_of_each(await sink_harness.received()) == [*values(1, 2), *values(4, 4), *values(6, 6)]
            letters = first_of_each(await sink_harness.dead_letters())
            assert letters == [DEAD + sink_harness.refused(n).value[:64] for n in (3, 5)]

    claim(sink_harness, check)


@sinks("can_break")
def test_sink_that_cannot_go_on_raises_sink_error(sink_harness: SinkHarness) -> None:
    """When nothing can be written any more, a send or its confirmation raises SinkError, and so do all later ones."""

    async def check() -> None:
        async with sink_harness.sink() as sink:
            await sink.resume()
            await (await sink.send([sink_harness.record(1)], b"1"))
            await sink_harness.break_for_good()
            for n in (2, 3):
                with pytest.raises(SinkError):
                    await (await sink.send([sink_harness.record(n)], b"2"))

            assert await sink_harness.received() == values(1, 1)

    claim(sink_harness, check)


@sinks()
def test_sink_can_be_left_before_it_is_entered(sink_harness: SinkHarness) -> None:
    """Leaving what was never entered does nothing."""

    async def check() -> None:
        await sink_harness.sink().__aexit__(None, None, None)

        assert await sink_harness.received() == []

    claim(sink_harness, check)


@sinks()
def test_sink_can_be_entered_and_left_twice(sink_harness: SinkHarness) -> None:
    """A second call of each changes nothing."""

    async def check() -> None:
        async with sink_harness.sink() as sink:
            await sink.__aenter__()
            await sink.resume()
            await (await sink.send([sink_harness.record(1)], b"1"))
        await sink.__aexit__(None, None, None)

        assert await sink_harness.received() == values(1, 1)

    claim(sink_harness, check)


@sinks()
def test_sink_that_was_left_takes_no_more(sink_harness: SinkHarness) -> None:
    """A send after the sink was left is a SinkError, not a loss."""

    async def check() -> None:
        async with sink_harness.sink() as sink:
            await sink.resume()
        with pytest.raises(SinkError):
            await (await sink.send([sink_harness.record(1)], b"1"))

        assert await sink_harness.received() == []

    claim(sink_harness, check)


@sinks("can_hold")
def test_sink_left_with_confirmations_pending_leaves_none_undecided(sink_harness: SinkHarness) -> None:
    """Leaving ends within a bounded time; each pending confirmation then is done, or raises SinkError."""

    async def check() -> None:
        async with sink_harness.sink() as sink:
            await sink.resume()
            await sink_harness.hold()
            pending = await send_each(sink, sink_harness, 1, 2, MIB)
        outcomes = await asyncio.gather(*map(confirmed, pending), return_exceptions=True)
        await sink_harness.release()

        assert all(outcome is None or isinstance(outcome, SinkError) for outcome in outcomes)

    claim(sink_harness, check)


@sinks("can_hold")
def test_sink_send_that_waits_ends_when_the_sink_is_left(sink_harness: SinkHarness) -> None:
    """A sender held back when the sink is left gets SinkError instead of waiting for ever."""

    async def check() -> None:
        async with sink_harness.sink() as sink:
            await sink.resume()
            await sink_harness.hold()
            sending = asyncio.ensure_future(send_each(sink, sink_harness, 1, 40, MIB))
            assert await still_waits(sending)
        with pytest.raises(SinkError):
            await sending
        await sink_harness.release()

    claim(sink_harness, check)


@sinks("remembers")
def test_sink_that_remembers_resumes_at_the_last_position_it_confirmed(sink_harness: SinkHarness) -> None:
    """The position of the last confirmed send, an empty one too, is where the next sink goes on."""

    async def check() -> None:
        async with sink_harness.sink() as sink:
            assert await sink.resume() is None
            await (await sink.send([sink_harness.record(1)], b"5"))
            await (await sink.send([], b"9"))
        async with sink_harness.sink() as sink:
            assert await sink.resume() == b"9"

    claim(sink_harness, check)


@sinks(without="remembers")
def test_sink_that_keeps_no_position_resumes_at_none(sink_harness: SinkHarness) -> None:
    """Where to go on is the source's to remember."""

    async def check() -> None:
        async with sink_harness.sink() as sink:
            assert await sink.resume() is None
            await (await sink.send([sink_harness.record(1)], b"5"))
            assert await sink.resume() is None

    claim(sink_harness, check)


@sinks("remembers")
def test_sink_that_remembers_counts_who_began_and_sent_nothing(sink_harness: SinkHarness) -> None:
    """Beside the position: one that died of what lies behind it. Whatever is confirmed begins anew."""

    async def check() -> None:
        for before in (0, 1):
            async with sink_harness.sink() as sink:
                await sink.resume()
                assert await sink.begin() == before
        async with sink_harness.sink() as sink:
            await sink.resume()  # no look yet
        async with sink_harness.sink() as sink:
            await sink.resume()
            assert await sink.begin() == 2
            await sink.rest()
        async with sink_harness.sink() as sink:
            assert await sink.resume() is None
            assert await sink.begin() == 2
            await (await sink.send([sink_harness.record(1)], b"5"))
        async with sink_harness.sink() as sink:
            assert await sink.resume() == b"5"
            assert await sink.begin() == 0

    claim(sink_harness, check)


@sinks("remembers")
def test_sink_that_remembers_counts_at_one_place(sink_harness: SinkHarness) -> None:
    """Who died elsewhere died of something else; so it is begun anew there, and here again."""

    async def check() -> None:
        async with sink_harness.sink() as sink:
            await sink.resume()
            for place, before in (("", 0), ("", 1), ("oldest", 0), ("oldest", 1)):
                assert await sink.begin(place) == before
        async with sink_harness.sink() as sink:
            await sink.resume()
            for place, before in (("oldest", 2), ("offset 7", 0), ("", 0), ("", 1)):
                assert await sink.begin(place) == before
            await sink.begin("oldest")
            await sink.rest()
            assert await sink.begin("oldest") == 0

    claim(sink_harness, check)


@sinks(without="remembers")
def test_sink_that_keeps_no_position_counts_nobody(sink_harness: SinkHarness) -> None:
    """That is the source's, or nobody's."""

    async def check() -> None:
        for _ in range(2):
            async with sink_harness.sink() as sink:
                await sink.resume()
                assert await sink.begin() == 0
            async with sink_harness.sink() as sink:
                await sink.resume()
                await sink.begin()
                await sink.rest()

    claim(sink_harness, check)
