"""The life of a chain's state beyond its process: recalled before the start, kept while it runs."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable

import structlog

from bridge.capture import Capture
from bridge.clock import Clock
from bridge.pipeline import Pipeline
from bridge.state import ClusterState
from bridge.telemetry import Counters
from bridge.warm.file import StateFile
from bridge.warm.replay import Replay

log = structlog.get_logger()


class Memory:
    """
    Fulfils `bridge.chain.Memory`: from a file, by replay, or both; then what the stream says is folded into what the
    file knew, each event once.

    Args:
        cluster: the chain's label, for the log.
        new_state: makes an empty state.
        counters: the chain's; while no more is received nothing is written. So a standby, which gets no event, leaves
            the file alone.
        file: None: nothing is kept.
        replay: None: the source has no past.
        every: seconds between two savings.
        clock: times them.
    """

    def __init__(
        self,
        cluster: str,
        new_state: Callable[[], ClusterState],
        *,
        counters: Counters,
        file: StateFile | None,
        replay: Replay | None,
        every: float,
        clock: Clock,
    ) -> None:
        self._cluster = cluster
        self._new_state = new_state
        self._counters = counters
        self._file = file
        self._replay = replay
        self._every = every
        self._clock = clock
        self._saved = 0
        """How many events were received when the file was written."""

    async def recall(self, pipeline: Pipeline | Capture, position: bytes | None) -> None:
        """As `bridge.chain.Memory.recall`."""
        began = self._clock.monotonic()
        state = await self._loaded()
        replayed = self._replay is not None and await self._replay.fold(state, position)
        if self._replay is not None and not replayed:
            state = await self._loaded()
        pipeline.state = state
        if len(state) or state.workers:
            seconds = round(self._clock.monotonic() - began, 3)
            log.info(
                "state recalled", cluster=self._cluster, tasks=len(state), workers=len(state.workers), seconds=seconds
            )

    async def _loaded(self) -> ClusterState:
        state = self._new_state()
        if self._file is not None:
            await self._file.load(state)
        return state

    @contextlib.asynccontextmanager
    async def keeping(self, pipeline: Pipeline | Capture) -> AsyncGenerator[None]:
        """As `bridge.chain.Memory.keeping`."""
        if self._file is None:
            yield
            return
        ended = asyncio.Event()
        saving = asyncio.create_task(self._keep(self._file, pipeline, ended), name=f"state {self._cluster}")
        try:
            yield
        except BaseException:
            saving.cancel()
            raise
        else:
            ended.set()
        finally:
            await asyncio.gather(saving, return_exceptions=True)

    async def _keep(self, file: StateFile, pipeline: Pipeline | Capture, ended: asyncio.Event) -> None:
        """Save every so often, and once more at the end."""
        last = False
        while not last:
            waits = {asyncio.ensure_future(self._clock.sleep(self._every)), asyncio.ensure_future(ended.wait())}
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
                await asyncio.gather(*waits, return_exceptions=True)
            last = ended.is_set()
            received = self._counters.received
            if received != self._saved and await file.save(pipeline.state):
                self._saved = received
