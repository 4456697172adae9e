"""Tests of bridge.testing.source: what the contract suite does not ask of every source."""

import asyncio

import pytest

from bridge.errors import ConfigError, ConnectError, EndOfStream, SourceError, TurnLostError
from bridge.model import Delivery, Gap
from bridge.testing import Drop, FakeClock, MemorySource
from tests.running import run


def test_script_is_handed_out_in_order_and_ends() -> None:
    """Bytes become dated JSON deliveries, deliveries and gaps are taken as they are, all get a position."""
    clock = FakeClock(1000.0)
    own = Delivery(b"x", content_type="text/plain", received_at=1.0)
    source = MemorySource([b"{}", own, Gap("test", 1.0, 2.0)], clock=clock)

    async def check() -> None:
        async with source:
            await source.start(None)
            first, second, gap = await source.read()
            assert first == Delivery(
                b"{}",
                content_type="application/json",
                content_encoding="utf-8",
                received_at=1000.0,
                tag=(1, 0),
                position=b"1",
            )
            assert isinstance(second, Delivery)
            assert (second.content_type, second.received_at, second.position) == ("text/plain", 1.0, b"2")
            assert gap == Gap("test", 1.0, 2.0, position=b"3")
            with pytest.raises(EndOfStream):
                await source.read()
        assert own.tag is None

    run(check())


def test_scripted_drop_brings_back_what_is_unsettled() -> None:
    """At a Drop the connection is lost once: what was not settled comes again, marked, before the rest."""

    async def check() -> None:
        source = MemorySource([b"1", b"2", Drop(), b"3"])
        async with source:
            await source.start(None)
            first = [item for item in await source.read() if isinstance(item, Delivery)]
            source.settle(first[:1])
            again = [item for item in await source.read() if isinstance(item, Delivery)]
            assert [(item.body, item.redelivered) for item in again] == [(b"2", True), (b"3", False)]
            source.settle(again)
            with pytest.raises(EndOfStream):
                await source.read()
        assert [delivery.body for delivery in source.settled] == [b"1", b"2", b"3"]
        assert source.unsettled == 0

    run(check())


def test_scripted_error_is_raised_once_after_what_came_before_it() -> None:
    """The read that reaches the error raises it; the next goes on."""

    async def check() -> None:
        source = MemorySource([b"1", SourceError("no more"), b"2"])
        async with source:
            await source.start(None)
            assert len(await source.read()) == 1
            with pytest.raises(SourceError, match="no more"):
                await source.read()
            assert len(await source.read()) == 1

    run(check())


def test_scripted_connect_faults_are_waited_out_on_the_clock() -> None:
    """A transient fault costs one pause each; a permanent one is raised."""
    clock = FakeClock()

    async def check() -> None:
        source = MemorySource(connect=[ConnectError("1"), ConnectError("2")], clock=clock)
        entering = asyncio.ensure_future(source.__aenter__())
        for _ in range(2):
            await clock.until_sleeping()
            clock.turn(1)
            await asyncio.sleep(0)
        await entering
        await source.__aexit__(None, None, None)
        with pytest.raises(ConfigError, match="never"):
            async with MemorySource(connect=[ConfigError("never")]):
                pytest.fail("connected")

    run(check())


def test_fail_fast_raises_the_first_fault_but_never_a_later_one() -> None:
    """Fail-fast is about the first connection; what is lost afterwards is made again."""

    async def check() -> None:
        with pytest.raises(ConnectError, match="refused"):
            async with MemorySource(connect=[ConnectError("refused")], fail_fast=True):
                pytest.fail("connected")
        source = MemorySource([b"1"], ends=False, fail_fast=True)
        async with source:
            await source.start(None)
            await source.read()
            source.down()
            reading = asyncio.ensure_future(source.read())
            await asyncio.sleep(0)
            source.up()
            assert len(await reading) == 1

    run(check())


def test_end_ends_a_source_that_waits() -> None:
    """What is fed is read; after `end` the stream ends by itself."""

    async def check() -> None:
        source = MemorySource(ends=False)
        async with source:
            await source.start(None)
            reading = asyncio.ensure_future(source.read())
            await asyncio.sleep(0)
            source.feed(b"1")
            assert len(await reading) == 1
            reading = asyncio.ensure_future(source.read())
            await asyncio.sleep(0)
            source.end()
            with pytest.raises(EndOfStream):
                await reading

    run(check())


def test_it_can_be_entered_again_when_its_turn_was_lost() -> None:
    """And only then; what was not settled comes again."""

    async def check() -> None:
        source = MemorySource([b"1", TurnLostError("another one reads"), b"2"])
        await source.__aenter__()
        await source.start(None)
        assert len(await source.read()) == 1
        with pytest.raises(TurnLostError) as lost:
            await source.read()
        await source.__aexit__(TurnLostError, lost.value, None)
        async with source:
            await source.start(None)
            items = await source.read()
            assert [item.body for item in items if isinstance(item, Delivery)] == [b"1", b"2"]
        async with source:
            with pytest.raises(EndOfStream):
                await source.read()

    run(check())


def test_starts_are_recorded() -> None:
    """A test sees from where the chain went on."""

    async def check() -> None:
        source = MemorySource([b"1", b"2"])
        async with source:
            await source.start(b"1")
            (item,) = await source.read()
            assert isinstance(item, Delivery)
            assert item.body == b"2"
        assert source.starts == [b"1"]

    run(check())
