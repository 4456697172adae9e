"""The sends under way: how many there may be, and their confirmations, in order."""

import asyncio
from collections import deque

from bridge.errors import BridgeError, SinkError

SENDS = 4
"""Under way at most: enough to fill the next batches while Kafka confirms the last ones, and a bound on memory."""


class Send:
    """One call of `send`: confirmed when its pieces are settled and all sends before it are confirmed."""

    __slots__ = ("confirmation", "pieces")

    def __init__(self, confirmation: "asyncio.Future[None]") -> None:
        self.confirmation = confirmation
        self.pieces = 0
        """How many parts of it wait for Kafka; each belongs to one partition."""


class Window:
    """At most `sends` sends, in order. Belongs to one event loop."""

    def __init__(self, sends: int = SENDS) -> None:
        self._most = sends
        self._sends: deque[Send] = deque()
        self._room = asyncio.Event()
        self._failed: SinkError | None = None

    @property
    def full(self) -> bool:
        """Whether the next send has to wait."""
        return len(self._sends) >= self._most

    def __len__(self) -> int:
        """Sends that are not confirmed."""
        return len(self._sends)

    async def open(self) -> Send:
        """
        Wait for room and begin a send; the caller adds its pieces at once, then calls `settle`.

        Raises:
            SinkError: the sink failed or is closed, before or while it waited.
        """
        while self.full and self._failed is None:
            self._room.clear()
            await self._room.wait()
        if self._failed is not None:
            raise again(self._failed)
        send = Send(asyncio.get_running_loop().create_future())
        # Whoever gives up (a chain that fails itself) leaves it behind: then asyncio should not complain of its error.
        send.confirmation.add_done_callback(lambda future: future.cancelled() or future.exception())
        self._sends.append(send)
        return send

    def settle(self) -> None:
        """Some send lost its last piece: confirm all at the head that have none."""
        while self._sends and not self._sends[0].pieces:
            confirmation = self._sends.popleft().confirmation
            if not confirmation.done():
                confirmation.set_result(None)
        self._room.set()

    def forget(self) -> None:
        """Nobody waits for the sends under way any more: their confirmations are cancelled."""
        while self._sends:
            self._sends.popleft().confirmation.cancel()
        self._room.set()

    def fail(self, reason: str | BridgeError) -> None:
        """No send will be confirmed any more; the first reason stays. What is no SinkError is told as one."""
        error = reason if isinstance(reason, SinkError) else SinkError(str(reason))
        self._failed = self._failed or error
        while self._sends:
            confirmation = self._sends.popleft().confirmation
            if not confirmation.done():
                confirmation.set_exception(again(self._failed))
        self._room.set()


def again(error: SinkError) -> SinkError:
    """The same error for one more to raise: an exception that several raise gathers the tracebacks of all."""
    return type(error)(*error.args)
