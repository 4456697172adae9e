"""Two sinks as one: dead letters are durable first."""

import asyncio

import pytest

from bridge.errors import SinkError
from bridge.model import Record
from bridge.sinks.apart import Apart
from bridge.testing import MemorySink
from tests.running import run, until

MARK = "kafka://h:9092/letters"


def letter(value: bytes) -> Record:
    """A dead letter."""
    return Record(value, MARK)


def values(sink: MemorySink) -> list[bytes]:
    """What is durable there."""
    return [record.value for record in sink.records]


def test_each_goes_where_it_belongs() -> None:
    """In order, the dead letters without the mark; the position is that of the records."""
    records, letters = MemorySink(position=b"7", begun=2), MemorySink()

    async def check() -> None:
        async with Apart(records, letters, MARK) as sink:
            assert await sink.resume() == b"7"
            assert await sink.begin() == 2
            await (await sink.send([Record(b"1"), letter(b"2"), Record(b"3"), letter(b"4")], b"8"))
            await (await sink.send([], b"9"))

    run(check())
    assert (values(records), values(letters)) == ([b"1", b"3"], [b"2", b"4"])
    assert {record.topic for record in letters.records} == {""}
    assert records.position == b"9"


def test_letters_are_durable_before_their_records_are_sent() -> None:
    """No position may move past a letter that is not written."""
    records, letters = MemorySink(), MemorySink()
    letters.hold()

    async def check() -> None:
        async with Apart(records, letters, MARK) as sink:
            sending = asyncio.create_task(sink.send([letter(b"1"), Record(b"2")], b"1"))  # type: ignore[arg-type]
            await until(lambda: letters.in_flight > 0)
            assert not sending.done()
            assert records.position is None
            letters.release()
            await (await sending)

    run(check())
    assert (values(records), values(letters)) == ([b"2"], [b"1"])


def test_a_diverted_letter_is_durable_before_its_send_is_confirmed() -> None:
    """The records' sink refused it: its delivery must not be settled before the letter is written."""
    records, letters = MemorySink(), MemorySink()
    letters.hold()

    async def check() -> None:
        async with Apart(records, letters, MARK) as sink:
            confirmation = await sink.send([Record(b"1")], None)
            sink.divert(letter(b"refused"))

            async def confirmed() -> None:
                await confirmation

            waiting = asyncio.create_task(confirmed())
            await until(lambda: letters.in_flight > 0)
            assert not waiting.done()
            letters.release()
            await waiting

    run(check())
    assert values(letters) == [b"refused"]


def test_whoever_commits_positions_can_wait_for_what_was_diverted() -> None:
    """Given up, the letter is still written; one that cannot be ends it."""
    refuse = False
    records, letters = MemorySink(), MemorySink(refuse=lambda _: "no" if refuse else None)
    letters.hold()

    async def check() -> None:
        nonlocal refuse
        async with Apart(records, letters, MARK) as sink:
            await sink.diverted()
            sink.divert(letter(b"1"))
            waiting = asyncio.create_task(sink.diverted())
            await until(lambda: letters.in_flight > 0)
            assert not waiting.done()
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            letters.release()
            await sink.diverted()
            assert values(letters) == [b"1"]
            refuse = True
            sink.divert(letter(b"2"))
            with pytest.raises(SinkError):
                await sink.diverted()

    run(check())


def test_left_with_letters_under_way_it_ends() -> None:
    """They may or may not be written; nothing is left running."""
    records, letters = MemorySink(), MemorySink()
    letters.hold()

    async def check() -> None:
        async with Apart(records, letters, MARK) as sink:
            sink.divert(letter(b"1"))
            await until(lambda: letters.in_flight > 0)

    run(check())


def test_a_broken_sink_of_letters_ends_the_chain() -> None:
    """As any sink that cannot go on."""
    records, letters = MemorySink(), MemorySink(refuse=lambda _: "no")

    async def check() -> None:
        async with Apart(records, letters, MARK) as sink:
            with pytest.raises(SinkError):
                await sink.send([letter(b"1")], None)

    run(check())
