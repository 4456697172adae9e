"""The sink that keeps dead letters elsewhere: two sinks, and the order in which they are written."""

import asyncio
from collections.abc import Awaitable, Generator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import Self

from bridge.model import Record
from bridge.sinks import Sink


class Apart:
    """
    Fulfils `bridge.sinks.Sink` over one for records and one for dead letters.

    The dead letters of a send are durable before its records are given to the other sink, so that no position moves
    past a letter that is not written. After a crash between the two they are written again: at least once, whatever the
    other sink promises.

    Args:
        records: where all goes but the dead letters.
        letters: where these go, to its own topic where it has one.
        mark: what `Record.topic` of a dead letter says.
    """

    def __init__(self, records: Sink, letters: Sink, mark: str) -> None:
        self._records = records
        self._letters = letters
        self._mark = mark
        self._ends: AsyncExitStack | None = None
        self._turn = asyncio.Lock()
        self._diverted: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        """Connect both; see `Sink.__aenter__`."""
        if self._ends is None:
            async with AsyncExitStack() as ends:
                await ends.enter_async_context(self._letters)
                await ends.enter_async_context(self._records)
                self._ends = ends.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close both. What was diverted and is not confirmed may or may not have been written."""
        diverted, self._diverted = self._diverted, []
        for task in diverted:
            task.cancel()
        await asyncio.gather(*diverted, return_exceptions=True)
        ends, self._ends = self._ends, None
        if ends is not None:
            await ends.__aexit__(kind, error, trace)

    async def resume(self) -> bytes | None:
        """The position that the sink of the records knows."""
        return await self._records.resume()

    async def begin(self, place: str = "") -> int:
        """What the sink of the records counts."""
        return await self._records.begin(place)

    async def rest(self) -> None:
        """What the sink of the records counts."""
        await self._records.rest()

    async def send(self, records: Sequence[Record], position: bytes | None) -> Awaitable[None]:
        """
        As `Sink.send`. With dead letters among the records the first await waits until these are durable.

        Raises:
            SinkError: from either await: one of both cannot go on.
        """
        letters = [record for record in records if record.topic == self._mark]
        if letters:
            await self._write(letters)
            records = [record for record in records if record.topic != self._mark]
        return _Confirmation(await self._records.send(records, position), self._diverted)

    def divert(self, letter: Record) -> None:
        """
        Write the dead letter of a record that the other sink refused, before the send of that record is confirmed. One
        that commits positions has to wait for `diverted` before it does.

        Call while that send is not confirmed, from the same event loop.
        """
        self._diverted.append(asyncio.create_task(self._write([letter]), name="dead letter"))

    async def diverted(self) -> None:
        """
        Wait until all that was diverted so far is written. Cancelled, it goes on being written.

        Raises:
            SinkError: it cannot be.
        """
        if under_way := list(self._diverted):
            await asyncio.wait(under_way)
            for task in under_way:
                task.result()

    async def _write(self, letters: Sequence[Record]) -> None:
        async with self._turn:  # a sink is sent to by one at a time
            written = await self._letters.send([replace(letter, topic="") for letter in letters], None)
        await written


class _Confirmation:
    """Done when the records are durable, and what was diverted until then is too."""

    def __init__(self, records: Awaitable[None], diverted: list[asyncio.Task[None]]) -> None:
        self._records = records
        self._diverted = diverted

    def __await__(self) -> Generator[object, None, None]:
        yield from self._records.__await__()
        while self._diverted:
            yield from self._diverted[0].__await__()
            self._diverted.pop(0)
