"""What a stream still holds of the time before our position, folded into a state. Nothing of it is delivered again."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

import structlog

from bridge.clock import Clock
from bridge.errors import BridgeError
from bridge.model import Delivery
from bridge.pipeline import Pipeline
from bridge.state import ClusterState

MOST_MESSAGES = 100_000
MOST_SECONDS = 2.0
"""Of reading, at most, and as long again for the first message to come. So a bridge that is killed again and again gets
to its events each time."""

_MARGIN = 1.25
"""What is expected to take this share of the time that is left is left out: no two seconds of a machine are alike."""

log = structlog.get_logger()


class Past(Protocol):
    """A source that can be read before the place where it is to begin. `StreamSource` is one."""

    def before(
        self, position: bytes | None, messages: int, seconds: float
    ) -> AsyncGenerator[tuple[Sequence[Delivery], int]]:
        """
        The last messages before the place where `start(position)` is going to begin, in order, each time with how many
        are left. None of them is settled, and nothing is where it was not before.

        Args:
            messages: so many, at most.
            seconds: to wait for the first of them, at most.

        Raises:
            BridgeError: it does not work, or that place is not in the stream: what was handed out is worth nothing.
        """
        ...


class Replay:
    """
    Folds the past of a source into a state.

    What does not fit into the time is left out oldest first: that is the longest ago, and the likeliest to be over.

    Args:
        silent: folds as the chain's own pipeline does, and encodes nothing; its state is replaced.
        clock: bounds the reading.
    """

    def __init__(self, past: Past, silent: Pipeline, clock: Clock) -> None:
        self._past = past
        self._silent = silent
        self._clock = clock

    async def fold(self, state: ClusterState, position: bytes | None) -> bool:
        """
        Bring `state` to where it was at `position`, as far as it goes; False: it did not work, throw the state away.

        Never raises but when cancelled.
        """
        self._silent.state = state
        try:
            await self._fold(position)
        except (BridgeError, OSError, TimeoutError) as error:
            log.info("stream not replayed", reason=str(error) or type(error).__name__)
            return False
        except Exception:  # a fault of ours costs what is known of tasks, and no event
            log.exception("stream not replayed")
            return False
        state.starts = 0  # they are counted beside the events received, and those were another process's
        return True

    async def _fold(self, position: bytes | None) -> None:
        past = self._past.before(position, MOST_MESSAGES, MOST_SECONDS)
        monotonic = self._clock.monotonic
        began: float | None = None
        spent, folded = 0.0, 0
        async with contextlib.aclosing(past):
            async for deliveries, left in past:
                now = monotonic()
                began = now if began is None else began
                time_left = began + MOST_SECONDS - now
                if time_left <= 0:
                    return
                expected = spent / folded * (left + len(deliveries)) * _MARGIN if folded else 0.0
                if expected <= time_left:
                    self._take(deliveries)
                    spent += monotonic() - now
                    folded += len(deliveries)
                await asyncio.sleep(0)

    def _take(self, deliveries: Sequence[Delivery]) -> None:
        while deliveries:
            deliveries = deliveries[self._silent.transform(deliveries).taken :]
