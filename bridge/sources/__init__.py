"""What every source promises. One file or folder per protocol; `open_source` picks by URL (see `service`)."""

from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from bridge.model import Delivery, Gap

MAX_READ_ITEMS = 1000
"""Items that one `read` returns at most: large enough that per-batch costs vanish, small enough to keep latency."""

MAX_READ_BYTES = 4 * 1024 * 1024
"""Bytes of bodies that one `read` returns at most; a single larger delivery comes alone."""


class Source(Protocol):
    """
    Where deliveries come from. An async context manager whose life is

        connect (`__aenter__`) -> acquire -> start -> read ... settle ... -> stop -> read raises EndOfStream -> close

    All methods belong to one event loop and are called from it. Every method is safe to call twice, and `stop` and
    `__aexit__` are safe before anything else.
    """

    async def __aenter__(self) -> Self:
        """
        Connect and declare queue and binding: from then on the broker keeps events for us, though none is read.

        A server that is down is waited for, with jittered backoff, for ever; with fail-fast it raises. Returns early,
        unconnected, when `stop` is called meanwhile.

        Raises:
            ConfigError: it can never work as asked (a queue declared with other arguments, a file that is not there).
            ConnectError, CredentialsError: only with fail-fast.
        """
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release everything; what is not settled stays with the broker. Ends by itself even when the server hangs."""
        ...

    async def acquire(self) -> None:
        """
        Wait for this replica's turn. Returns at once where the broker never says (quorum) or everybody reads, and when
        `stop` is called meanwhile.

        Raises:
            ConfigError: there can be no turn.
            ConnectError, CredentialsError: only with fail-fast.
        """
        ...

    async def start(self, position: bytes | None) -> None:
        """Begin to read at `position`; None: what the broker remembers, else the oldest it keeps, never "next"."""
        ...

    async def read(self) -> list[Delivery | Gap]:
        """
        Wait for at least one item and return 1..MAX_READ_ITEMS of them, in the broker's order.

        Their bodies hold MAX_READ_BYTES at most, but a single larger one comes alone. A lost connection is not an
        error: it is made again inside, what the broker redelivers is marked `redelivered`, and where events may have
        been lost a Gap stands in their place. Lets other tasks run once even when it need not wait, and a cancelled
        read loses nothing.

        Raises:
            EndOfStream: stopped, or at the end, and everything was handed out.
            TurnLostError: another replica has the turn; what is not settled is its. A source that raises this can be
                left and entered again.
            SourceError, ConfigError: it cannot go on.
        """
        ...

    def settle(self, deliveries: Sequence[Delivery]) -> None:
        """
        Tell the broker that it may forget these: each event of them is durable, dead-lettered, or dropped by a
        counted rule. Called in the order of reading. Never blocks; what belongs to a lost connection is ignored.
        """
        ...

    def stop(self) -> None:
        """Accept no new deliveries; what was handed out may still be settled. For a signal handler of the loop."""
        ...
