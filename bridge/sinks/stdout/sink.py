"""The sink over a LineWriter."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Sequence
from types import TracebackType
from typing import Self

from bridge.errors import SinkError
from bridge.model import Record
from bridge.sinks.stdout.writer import LineWriter

MAX_QUEUED_SENDS = 4
"""Sends of one sink that may wait for the writer: one being written, one ready behind it, slack for uneven ones."""


class LinesSink:
    """
    Fulfils `bridge.sinks.Sink` over a LineWriter: one line per record (a value that holds several stays together).

    A send is one write of whole lines, each value ended by exactly one newline, and is confirmed when the kernel took
    it: that survives our end, not the machine's. Keys, headers, topics and times are not written. No record is ever
    refused, so no dead letter is made here.
    """

    def __init__(self, output: LineWriter | str) -> None:
        """
        Args:
            output: a writer that several sinks share, or what LineWriter takes: `stdout` or `file:PATH`.
        """
        self._writer = LineWriter(output) if isinstance(output, str) else output
        self._open = False
        self._pending: deque[asyncio.Future[None]] = deque()
        self._room = asyncio.Event()

    async def __aenter__(self) -> Self:
        """
        Open the output.

        Raises:
            ConfigError: it cannot be opened.
        """
        if not self._open:
            await self._writer.open()
            self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """
        Leave the output, within a second. What was queued and not begun is not written; a pending confirmation is done
        or raises SinkError, and so does a `send` that waits.
        """
        if self._open:
            self._open = False
            await self._writer.close(list(self._pending))
            self._room.set()

    async def resume(self) -> None:
        """None: lines hold no position."""

    async def begin(self, place: str = "") -> int:  # noqa: ARG002 - as below
        """0: nothing is kept beside lines."""
        return 0

    async def rest(self) -> None:
        """Nothing was noted."""

    async def send(
        self,
        records: Sequence[Record],
        position: bytes | None,  # noqa: ARG002 - a position goes nowhere
    ) -> Awaitable[None]:
        """
        Queue the records' lines, as `Sink.send` says; waits while MAX_QUEUED_SENDS are not confirmed.

        Raises:
            SinkError: not open. OutputError, from the confirmation: the reader closed the pipe (its `__cause__` is a
                BrokenPipeError), the disk is full, or the device fails; all later ones raise the same.
        """
        while self._open and len(self._pending) >= MAX_QUEUED_SENDS:
            self._room.clear()
            await self._room.wait()
        if not self._open:
            raise SinkError(f"cannot write to {self._writer.name}: it is not open")
        lines = [record.value.rstrip(b"\n") for record in records]
        confirmation = self._writer.put(b"\n".join([*lines, b""]) if lines else b"")
        self._pending.append(confirmation)
        confirmation.add_done_callback(self._confirmed)
        return confirmation

    def _confirmed(self, confirmation: asyncio.Future[None]) -> None:
        self._pending.remove(confirmation)
        self._room.set()
