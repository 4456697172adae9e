"""Dead letters as deliveries."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

import pytest

from bridge.errors import EndOfStream
from bridge.letters import Letter
from bridge.model import Delivery
from bridge.sources import MAX_READ_BYTES, MAX_READ_ITEMS
from bridge.sources.letters import LettersSource
from tests.running import run


class Written:
    """A LetterReader of letters that are there."""

    def __init__(self, *reads: list[Letter]) -> None:
        self._reads = list(reads)
        self.open = 0

    async def __aenter__(self) -> Self:
        self.open += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.open -= 1

    async def read(self) -> list[Letter]:
        if not self._reads:
            raise EndOfStream
        return self._reads.pop(0)

    def stop(self) -> None:
        self._reads.clear()


def letter(body: bytes, *indexes: int, body_bytes: int | None = None, where: str = "x") -> Letter:
    """One of a body."""
    full = len(body) if body_bytes is None else body_bytes
    return Letter(where, "c", "schema", "", "", "", indexes, None, Delivery(body), full)


async def read_all(source: LettersSource) -> list[list[Delivery]]:
    """Each read of it, to the end."""
    reads: list[list[Delivery]] = []
    async with source:
        await source.acquire()
        await source.start(None)
        try:
            while True:
                reads.append([item for item in await source.read() if isinstance(item, Delivery)])
        except EndOfStream:
            return reads


def bodies(reads: Sequence[list[Delivery]]) -> list[bytes]:
    """Of all of them."""
    return [delivery.body for read in reads for delivery in read]


def test_each_letter_is_a_delivery_of_what_failed() -> None:
    """In order; its tag is the letter; the reader is closed at the end."""
    first = letter(b"[1,2,3]", 1)
    reader = Written([first], [], [letter(b"x")])
    source = LettersSource(reader)
    reads = run(read_all(source))
    assert bodies(reads) == [b"[2]", b"x"]
    assert reads[0][0].tag is first
    assert (source.letters, source.cut, reader.open) == (2, [], 0)


def test_cut_letters_are_passed_over_and_named() -> None:
    """Half a body is no event."""
    source = LettersSource(Written([letter(b"half", body_bytes=8, where="here"), letter(b"x")]))
    assert bodies(run(read_all(source))) == [b"x"]
    assert (source.letters, source.cut) == (2, ["here"])


def test_a_read_is_bounded() -> None:
    """In items and in bytes, as of every source."""
    many = [letter(b"x") for _ in range(MAX_READ_ITEMS + 1)]
    large = [letter(b"x" * (MAX_READ_BYTES // 2 + 1)) for _ in range(3)]
    reads = run(read_all(LettersSource(Written([*many, *large]))))
    assert [len(read) for read in reads] == [MAX_READ_ITEMS, 2, 1, 1]


def test_stopped_it_hands_out_what_it_has() -> None:
    """And reads no more; safe twice, and before anything else."""

    async def check() -> None:
        source = LettersSource(Written([letter(b"x" * MAX_READ_BYTES), letter(b"y")], [letter(b"z")]))
        async with source:
            await source.read()
            source.stop()
            source.stop()
            assert bodies([[item for item in await source.read() if isinstance(item, Delivery)]]) == [b"y"]
            with pytest.raises(EndOfStream):
                await source.read()
            source.settle([])
        unopened = LettersSource(Written())
        unopened.stop()
        async with unopened:
            with pytest.raises(EndOfStream):
                await unopened.read()

    run(check())
