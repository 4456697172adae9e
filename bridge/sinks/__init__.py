"""What every sink promises. One file or folder per protocol; `open_sink` picks by URL (see `service`)."""

from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Protocol, Self

from bridge.errors import RecordError
from bridge.model import Record

DeadLetter = Callable[[Record, RecordError], Record | None]
"""Makes the dead letter of a record that a sink refused for ever (from `encode`); None: it has been seen to."""

LettersWritten = Callable[[], Awaitable[None]]
"""
Waits until each dead letter that was made of a refused record, and is kept by another sink, is durable there.

Raises:
    SinkError: that sink cannot go on.
"""


class Sink(Protocol):
    """
    Where records go. An async context manager whose life is

        connect (`__aenter__`) -> resume -> send ... -> close

    Safe to enter and leave twice; all calls from one event loop, `send` from one task.
    """

    async def __aenter__(self) -> Self:
        """
        Connect and look at the topics; fences nobody. A server that is down and a topic that is missing are waited
        for, for ever, and said in the log.

        Raises:
            ConfigError: it can never work as asked.
            ConnectError, CredentialsError, ConfigError (missing topic): only with fail-fast.
        """
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release everything within a bounded time. What was not confirmed may or may not have been written."""
        ...

    async def resume(self) -> bytes | None:
        """The position to go on from. An exactly-once sink fences the old writer first; others return None."""
        ...

    async def begin(self, place: str = "") -> int:
        """
        Note, durably, that somebody is about to look at what lies behind the position. After `resume`, before the first
        `send`.

        Args:
            place: where that is, if it is not the position that is kept here.

        Returns:
            How often that was noted before, of this place, with nothing sent behind it: whoever looked died. 0 where
            nobody counts, because no position is kept here, or the source's broker does.

        Raises:
            SinkError: it cannot go on.
        """
        ...

    async def rest(self) -> None:
        """
        Take the last `begin` back, with nothing sent since: there was nothing to look at. Raises as `begin`.
        """
        ...

    async def send(self, records: Sequence[Record], position: bytes | None) -> Awaitable[None]:
        """
        Send 0..n records in order; with none, only the position advances.

        The first await returns when they are accepted in order: waiting there is the backpressure. The second await,
        of what it returned, returns when all of them are durable. Confirmations come in the order of sending.

        What the server refuses for ever is replaced by its dead letter in the same unit of durability.

        Raises:
            SinkError: from either await: the chain cannot go on.
        """
        ...
