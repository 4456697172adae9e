"""The source that hands out dead letters again, as deliveries of the events that failed."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from bridge.errors import EndOfStream
from bridge.letters import Letter, remainder
from bridge.model import Delivery, Gap
from bridge.sources import MAX_READ_BYTES, MAX_READ_ITEMS
from bridge.sources.letters.readers import LetterReader


class LettersSource:
    """
    Fulfils `bridge.sources.Source` over a LetterReader: one delivery per letter, with the events that failed and no
    other (`bridge.letters.remainder`). Its `tag` is the letter.

    A letter that holds only a part of its body cannot be sent again: it is counted, and passed over. Nothing is
    remembered, and no letter is removed: `settle` does nothing.
    """

    def __init__(self, reader: LetterReader) -> None:
        self._reader = reader
        self._open = False
        self._stopped = False
        self._waiting: list[Letter] = []
        self.letters = 0
        """How many were read."""
        self.cut: list[str] = []
        """Where those are that cannot be sent again, because their body was cut."""

    async def __aenter__(self) -> Self:
        """See `LetterReader.__aenter__`."""
        if not self._open and not self._stopped:
            await self._reader.__aenter__()
            self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the reader."""
        self.stop()
        if self._open:
            self._open = False
            await self._reader.__aexit__(kind, error, trace)

    async def acquire(self) -> None:
        """Return at once: everybody reads."""

    async def start(self, position: bytes | None) -> None:
        """Begin; always with the first letter."""

    async def read(self) -> list[Delivery | Gap]:
        """
        The next letters as deliveries, as `Source.read` says; never a Gap.

        Raises:
            EndOfStream: there are no more; or stopped, and what was in memory is handed out.
            SourceError: they cannot be read any further.
        """
        while True:
            if batch := self._take():
                return batch
            if self._stopped or not self._open:
                raise EndOfStream
            self._waiting += await self._reader.read()

    def _take(self) -> list[Delivery | Gap]:
        batch: list[Delivery | Gap] = []
        size = taken = 0
        for letter in self._waiting:
            size += len(letter.delivery.body)
            if batch and (len(batch) >= MAX_READ_ITEMS or size > MAX_READ_BYTES):
                break
            taken += 1
            self.letters += 1
            if letter.is_whole:
                delivery = remainder(letter)
                delivery.tag = letter
                batch.append(delivery)
            else:
                self.cut.append(letter.where)
        del self._waiting[:taken]
        return batch

    def settle(self, deliveries: Sequence[Delivery]) -> None:
        """Do nothing: the letters stay where they are."""

    def stop(self) -> None:
        """Read no more letters."""
        self._stopped = True
        self._reader.stop()
