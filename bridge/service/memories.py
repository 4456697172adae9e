"""What each chain knows before its start, and how it is kept: `--state`, and the past of a stream."""

from bridge.clock import Clock
from bridge.config import Config, SourceEnd
from bridge.encode import Encoder
from bridge.filter import Filter, Patterns
from bridge.pipeline import Pipeline
from bridge.sources import Source
from bridge.state import ClusterState
from bridge.telemetry import Counters
from bridge.validate import Policy, Schemas
from bridge.warm import Absence, Memory, Replay, StateFile

_NOTHING = Filter(Patterns(wanted=("",)), Patterns(), Patterns())
"""Passes no event, as none has an empty type: so none is encoded."""

_FORGETFUL = frozenset({"redis", "rediss", "sentinel"})
"""Transports whose brokers keep nothing for a bridge that is away, whichever reader."""


class Memories:
    """
    Makes the memory of each chain of one process.

    Args:
        clock: given to everything that asks for the time.
    """

    def __init__(self, config: Config, schemas: Schemas, clock: Clock) -> None:
        self._config = config
        self._schemas = schemas
        self._clock = clock

    def of(self, end: SourceEnd, source: Source, encoder: Encoder, counters: Counters) -> tuple[Source, Memory | None]:
        """
        The source of the chain that reads `end`, which may have to tell what it lost meanwhile, and the chain's memory;
        None where there is nothing to know, or to know it from.
        """
        config, clock = self._config, self._clock
        if config.format == "capture":
            return source, None
        file = None
        if config.state is not None:
            path = config.state / f"{end.label}.{end.group}.jsonl"
            file = StateFile(path, cluster=end.label, group=end.group, clock=clock)
            if end.queue_type == "transient" or end.transport in _FORGETFUL:
                source = Absence(source, file, clock)
        replay = self._replay(end, source, encoder)
        if file is None and replay is None:
            return source, None
        memory = Memory(
            end.label,
            self._new_state,
            counters=counters,
            file=file,
            replay=replay,
            every=config.snapshot_every,
            clock=clock,
        )
        return source, memory

    def _new_state(self) -> ClusterState:
        return ClusterState(max_tasks=self._config.max_tasks)

    def _replay(self, end: SourceEnd, source: Source, encoder: Encoder) -> Replay | None:
        if end.queue_type != "stream":
            return None
        from bridge.sources.stream import StreamSource  # not at the top: nobody else needs it

        if not isinstance(source, StreamSource):
            return None
        # What is invalid teaches the state what it taught the first time, and is a dead letter already.
        policy = Policy("tag" if self._config.on_invalid == "tag" else "drop", self._schemas, self._clock)
        silent = Pipeline(
            schemas=self._schemas,
            state=self._new_state(),
            encoder=encoder,
            passes=_NOTHING,
            policy=policy,
            clock=self._clock,
        )
        return Replay(source, silent, self._clock)
