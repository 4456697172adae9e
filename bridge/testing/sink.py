"""A sink that keeps in memory what it got, and fails on demand."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from bridge.clock import Clock, SystemClock
from bridge.errors import BridgeError, ConnectError, RecordError, SinkError, TransientError
from bridge.model import Record
from bridge.sinks import DeadLetter

MAX_IN_FLIGHT = 4
"""Sends that may wait for their confirmation, as with the real sinks; the next `send` waits."""

RETRY_SECONDS = 0.01
"""Pause between two attempts to connect: hardly noticed on the system clock, and a FakeClock is turned past it."""


@dataclass(slots=True)
class _Sent:
    records: list[Record]
    position: bytes | None
    confirmation: asyncio.Future[None]


class MemorySink:
    """
    Fulfils `bridge.sinks.Sink` without any server, on one event loop.

    `records` is what is durable, in order; `sends` the same per send, with its position.
    """

    def __init__(
        self,
        *,
        dead_letter: DeadLetter | None = None,
        refuse: Callable[[Record], str | None] | None = None,
        connect: Iterable[BridgeError] = (),
        position: bytes | None = None,
        begun: int = 0,
        begun_at: str = "",
        fail_fast: bool = False,
        clock: Clock | None = None,
    ) -> None:
        """
        Args:
            dead_letter: makes the replacement of a refused record; without it a refusal is a SinkError.
            refuse: asked about every record, and about its dead letter; returns the reason for refusing it for ever,
                or None to take it.
            connect: what the first attempts to connect meet: a transient error is waited out (raised with
                `fail_fast`), a permanent one is raised.
            position: what `resume` returns until a send with a position is durable.
            begun, begun_at: how often others called `begin` since then, and for which place.
            fail_fast: raise ConnectError instead of waiting for the server.
            clock: times the attempts to connect.
        """
        self._dead_letter = dead_letter
        self._refuse = refuse
        self._faults = list(connect)
        self._fail_fast = fail_fast
        self._clock = clock or SystemClock()
        self._up = True
        self._held = False
        self._open = False
        self._failure: SinkError | None = None
        self._in_flight: deque[_Sent] = deque()
        self._changed = asyncio.Event()
        self.position = position
        self.begun = begun
        self.begun_at = begun_at
        self.records: list[Record] = []
        self.sends: list[tuple[list[Record], bytes | None]] = []

    # What a test does to the server.

    @property
    def in_flight(self) -> int:
        """How many sends were accepted and are not confirmed."""
        return len(self._in_flight)

    def hold(self) -> None:
        """Confirm nothing until `release`."""
        self._held = True

    def release(self, sends: int | None = None) -> None:
        """Confirm everything held and hold no more; or confirm only the oldest `sends` and go on holding."""
        self._held = sends is not None
        self._confirm(len(self._in_flight) if sends is None else sends)

    def down(self) -> None:
        """The server goes away: what is sent waits, in order, until `up`."""
        self._up = False

    def up(self) -> None:
        """The server is there again; what waited is delivered and confirmed in order, unless held."""
        self._up = True
        self._changed.set()
        if not self._held:
            self._confirm(len(self._in_flight))

    def fail(self, error: SinkError) -> None:
        """It cannot go on: every confirmation that is due, and every later send, raises `error`."""
        self._failure = error
        self._break(error)

    # The contract.

    async def __aenter__(self) -> Self:
        """
        Connect.

        Raises:
            ConnectError: the server is down, with `fail_fast`.
            BridgeError: what `connect` scripted.
        """
        while not self._open:
            fault = self._faults.pop(0) if self._faults else None
            if fault is None and self._up:
                self._open = True
                break
            error = fault or ConnectError("the memory server is down")
            if self._fail_fast or not isinstance(error, TransientError):
                raise error
            await self._clock.sleep(RETRY_SECONDS)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect; what is not confirmed by now is not written, and its confirmation raises SinkError."""
        self._open = False
        self._break(SinkError("the sink was closed before it confirmed"))

    async def resume(self) -> bytes | None:
        """The last position that is durable."""
        return self.position

    async def begin(self, place: str = "") -> int:
        """How often it was called for this place since a position became durable, before this time."""
        self.begun = (self.begun if self.begun_at == place else 0) + 1
        self.begun_at = place
        return self.begun - 1

    async def rest(self) -> None:
        """Take the last `begin` back."""
        self.begun -= 1

    async def send(self, records: Sequence[Record], position: bytes | None) -> Awaitable[None]:
        """
        Send 0..n records as `Sink.send` says; at most MAX_IN_FLIGHT sends wait for their confirmation.

        Raises:
            SinkError: not entered, told to fail, or a record was refused and has no dead letter.
        """
        while self._open and self._failure is None and len(self._in_flight) >= MAX_IN_FLIGHT:
            self._changed.clear()
            await self._changed.wait()
        if self._failure is not None:
            raise self._failure
        if not self._open:
            raise SinkError("the sink is not open")
        accepted = [taken for record in records if (taken := self._accept(record)) is not None]
        confirmation: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        confirmation.add_done_callback(_quiet)
        self._in_flight.append(_Sent(accepted, position, confirmation))
        if self._up and not self._held:
            self._confirm(len(self._in_flight))
        return confirmation

    def _accept(self, record: Record) -> Record | None:
        reason = self._refuse(record) if self._refuse else None
        if reason is None:
            return record
        if self._dead_letter is None:
            raise SinkError(f"record refused and no dead letter can be made: {reason}")
        letter = self._dead_letter(record, RecordError(reason))
        if letter is not None and self._refuse and (again := self._refuse(letter)) is not None:
            raise SinkError(f"dead letter refused: {again}")
        return letter

    def _confirm(self, sends: int) -> None:
        """The oldest `sends` become durable, in order."""
        while self._up and self._in_flight and sends > 0:
            sends -= 1
            sent = self._in_flight.popleft()
            self.records.extend(sent.records)
            self.sends.append((sent.records, sent.position))
            if sent.position is not None:
                self.position = sent.position
                self.begun, self.begun_at = 0, ""
            if not sent.confirmation.done():
                sent.confirmation.set_result(None)
        self._changed.set()

    def _break(self, error: SinkError) -> None:
        while self._in_flight:
            sent = self._in_flight.popleft()
            if not sent.confirmation.done():
                sent.confirmation.set_exception(error)
        self._changed.set()


def _quiet(confirmation: asyncio.Future[None]) -> None:
    """Look at the error, else asyncio reports it as never retrieved when a chain gives up before awaiting it."""
    if not confirmation.cancelled():
        confirmation.exception()
