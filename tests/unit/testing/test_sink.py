"""Tests of bridge.testing.sink: what the contract suite does not ask of every sink."""

import asyncio

import pytest

from bridge.errors import ConfigError, ConnectError, RecordError, SinkError
from bridge.model import Record
from bridge.testing import FakeClock, MemorySink
from tests.running import run


def test_records_and_sends_show_what_is_durable() -> None:
    """Everything that was confirmed, in order; per send with its position."""

    async def check() -> None:
        one, two = Record(b"1"), Record(b"2")
        async with MemorySink() as sink:
            await (await sink.send([one, two], b"a"))
            await (await sink.send([], b"b"))
            sink.hold()
            await sink.send([Record(b"3")], b"c")

            assert sink.records == [one, two]
            assert sink.sends == [([one, two], b"a"), ([], b"b")]
            assert (sink.position, sink.in_flight) == (b"b", 1)

    run(check())


def test_release_of_some_confirms_the_oldest_and_holds_on() -> None:
    """A test decides how far the server came."""

    async def check() -> None:
        async with MemorySink() as sink:
            sink.hold()
            confirmations = [await sink.send([Record(b"%d" % n)], None) for n in range(3)]
            sink.release(2)
            await confirmations[0]
            await confirmations[1]
            assert sink.in_flight == 1
            sink.release()
            await confirmations[2]
            await (await sink.send([Record(b"free")], None))

    run(check())


def test_refused_record_becomes_its_dead_letter() -> None:
    """The reason reaches the maker of the dead letter, whose record takes the refused one's place."""
    causes: list[str] = []

    def dead_letter(record: Record, cause: RecordError) -> Record:
        causes.append(str(cause))
        return Record(b"dead " + record.value)

    async def check() -> list[bytes]:
        sink = MemorySink(
            dead_letter=dead_letter, refuse=lambda record: "bad" if record.value.startswith(b"bad") else None
        )
        async with sink:
            await (await sink.send([Record(b"1"), Record(b"bad"), Record(b"2")], None))
        return [record.value for record in sink.records]

    assert run(check()) == [b"1", b"dead bad", b"2"]
    assert causes == ["bad"]


def test_refusal_without_a_way_out_is_a_sink_error() -> None:
    """No maker of dead letters, or a dead letter that is refused too: the chain cannot go on."""

    async def check() -> None:
        async with MemorySink(refuse=lambda _: "bad") as sink:
            with pytest.raises(SinkError, match="no dead letter"):
                await sink.send([Record(b"1")], None)
        async with MemorySink(refuse=lambda _: "bad", dead_letter=lambda record, _: record) as sink:
            with pytest.raises(SinkError, match="dead letter refused: bad"):
                await sink.send([Record(b"1")], None)

    run(check())


def test_failure_reaches_what_is_pending_and_what_comes_later() -> None:
    """A sink told to fail raises that very error everywhere."""

    async def check() -> None:
        error = SinkError("disk on fire")
        async with MemorySink() as sink:
            sink.hold()
            pending = await sink.send([Record(b"1")], None)
            sink.fail(error)
            with pytest.raises(SinkError, match="on fire"):
                await pending
            with pytest.raises(SinkError, match="on fire"):
                await sink.send([Record(b"2")], None)
        assert sink.records == []

    run(check())


def test_scripted_connect_faults_are_waited_out_on_the_clock() -> None:
    """A transient fault costs one pause; a permanent one, or any with fail-fast, is raised."""
    clock = FakeClock()

    async def check() -> None:
        sink = MemorySink(connect=[ConnectError("1")], clock=clock)
        entering = asyncio.ensure_future(sink.__aenter__())
        await clock.until_sleeping()
        clock.turn(1)
        await entering
        await sink.__aexit__(None, None, None)
        with pytest.raises(ConfigError, match="never"):
            async with MemorySink(connect=[ConfigError("never")]):
                pytest.fail("connected")
        with pytest.raises(ConnectError, match="refused"):
            async with MemorySink(connect=[ConnectError("refused")], fail_fast=True):
                pytest.fail("connected")

    run(check())
