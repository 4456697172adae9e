"""One direction of a network between two ends, and what is wrong with it."""

import asyncio
from collections.abc import Iterator
from random import Random

_CHUNK = 64 * 1024
_SMOOTH = 20
"""Pieces a second of a narrow way: a limit that holds over a second only would be a burst and a silence."""


class Way:
    """
    Carries what it reads, however many connections share it. Belongs to one event loop.

    At most 64 KiB of a connection are under way, as with a small TCP window: a latency narrows it too.

    Args:
        dice: cuts slices.
    """

    def __init__(self, dice: Random) -> None:
        self.open = asyncio.Event()
        """Cleared: nothing passes, no byte, no end and no reset, until it is set; then what waited passes first."""
        self.open.set()
        self.latency_seconds = 0.0
        self.bytes_per_second = 0
        """Of each connection; 0: as fast as it goes."""
        self.slice_bytes = 0
        """Bytes are cut into pieces of 1 to so many, each sent alone; 0: as they come."""
        self._dice = dice

    def heal(self) -> None:
        """Nothing is wrong any more."""
        self.latency_seconds, self.bytes_per_second, self.slice_bytes = 0.0, 0, 0
        self.open.set()

    async def read(self, reader: asyncio.StreamReader) -> bytes:
        """
        What one end sent next, once it may pass; empty at its end.

        Raises:
            OSError: the end has broken its connection.
        """
        try:
            data = await reader.read(_CHUNK)
        except OSError:
            await self.open.wait()
            raise
        if self.latency_seconds:
            await asyncio.sleep(self.latency_seconds)
        await self.open.wait()
        return data

    async def write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        """
        Pass it to the other end.

        Raises:
            OSError: that end is gone.
        """
        for piece in self._pieces(data):
            await self.open.wait()
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(len(piece) / self.bytes_per_second if self.bytes_per_second else 0)

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        place = 0
        while place < len(data):
            size = self._dice.randint(1, self.slice_bytes) if self.slice_bytes else len(data)
            if self.bytes_per_second:
                size = min(size, max(1, self.bytes_per_second // _SMOOTH))
            yield data[place : place + size]
            place += size
