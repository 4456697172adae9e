"""From a configuration to chains that are connected to nothing yet."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from bridge.capture import Capture
from bridge.chain import Chain, Counting
from bridge.clock import Clock
from bridge.config import Config, SourceEnd
from bridge.encode import Encoder
from bridge.errors import ConfigError, RecordError
from bridge.filter import Filter, Patterns
from bridge.model import Record
from bridge.pipeline import Limit, Pipeline
from bridge.service.encoders import ByCluster
from bridge.service.memories import Memories
from bridge.service.outputs import Outputs
from bridge.service.rewound import Rewound
from bridge.service.writer import transactional_id
from bridge.sinks import Sink
from bridge.sources import Source
from bridge.state import ClusterState
from bridge.telemetry import Counters
from bridge.validate import Policy, Schemas

if TYPE_CHECKING:
    from bridge.sources.amqp.alarms import Alarms

REDIS_SCHEMES = ("redis", "rediss", "redis+socket", "sentinel")
"""Read without kombu; `kombu+redis://` is read with it."""

T = TypeVar("T")


class Builder:
    """
    Makes the chains of one process, and what they share: schemas, filters, the limit, the writers of lines.

    Args:
        clock: given to everything that asks for the time.
    """

    def __init__(self, config: Config, schemas: Schemas, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._schemas = schemas
        self._passes = Filter(
            Patterns(config.types, config.not_types),
            Patterns(config.tasks, config.not_tasks),
            Patterns(config.workers, config.not_workers),
        )
        self._limit = None if config.limit is None else Limit(config.limit)
        self._outputs = Outputs(config, schemas, clock)
        self._memories = Memories(config, schemas, clock)

    def chain(self, end: SourceEnd) -> Chain:
        """
        The chain of one source, to the sink of the configuration.

        Raises:
            ConfigError: its source or sink can never work; every problem of both.
        """
        counters = Counters()
        encoder = self._outputs.encoder(end.label)

        def dead_letter(record: Record, error: RecordError) -> Record:
            counters.refused(record.events)
            return encoder.refused(record, error)

        problems: list[str] = []
        source = made(problems, lambda: self._source(end, counters))
        # A stream can be read again from any position, so its position belongs to the records.
        writer = transactional_id(end) if end.queue_type == "stream" else None
        sink = made(problems, lambda: self._outputs.sink(dead_letter, transactional_id=writer))
        if source is None or sink is None:
            raise ConfigError(problems)
        source, memory = self._memories.of(end, source, encoder, counters)
        return Chain(
            end.label,
            source,
            sink,
            self._pipeline(encoder, end.label, self._config.on_invalid),
            counters=counters,
            memory=memory,
            counting=self._counting(end, source, sink),
            max_unsettled_bytes=end.max_unsettled_bytes,
            clock=self._clock,
        )

    def _pipeline(self, encoder: Encoder, label: str, on_invalid: str) -> Pipeline | Capture:
        config = self._config
        if config.format == "capture":
            topic = config.to.topic
            return Capture(
                encoder=encoder, cluster=label, topic=topic, split=config.split, limit=self._limit, clock=self._clock
            )
        return Pipeline(
            schemas=self._schemas,
            state=ClusterState(max_tasks=config.max_tasks),
            encoder=encoder,
            passes=self._passes,
            limit=self._limit,
            policy=Policy(on_invalid, self._schemas, self._clock),
            clock=self._clock,
        )

    def chain_of_letters(self, source: Source) -> Chain:
        """
        The chain that sends dead letters again, each under the label of its own cluster.

        What fails again is counted as filtered, or as dead-lettered where the sink refuses it, and written nowhere: the
        letter that it came from is still there.

        Raises:
            ConfigError: the sink can never work.
        """
        counters = Counters()

        def dead_letter(record: Record, _: RecordError) -> None:
            counters.refused(record.events)

        return Chain(
            "dead letters",
            source,
            self._outputs.sink(dead_letter, own_dead_letters=False),
            self._pipeline(ByCluster(self._outputs.encoder), "dead letters", "drop"),
            counters=counters,
            clock=self._clock,
        )

    def _source(self, end: SourceEnd, counters: Counters) -> Source:
        if end.path is not None:
            from bridge.sources.lines import LinesSource

            return LinesSource(end.path)
        if end.queue_type == "stream":
            return self._stream(end)
        if end.start is not None:
            raise ConfigError(
                f"start: only a stream can be read from a place: {end.label} has a {end.queue_type} queue"
            )
        if end.url.scheme in REDIS_SCHEMES:
            from bridge.sources.redis import RedisSource

            return RedisSource(end.broker, fail_fast=self._config.fail_fast, clock=self._clock)
        more = {"counters": counters} if _has_own_amqp(end) else {}
        return _broker_source(end)(
            end.broker,
            queue_type="transient" if end.queue_type == "transient" else "quorum",
            group=end.group,
            queue_args=end.queue_args,
            prefetch=end.prefetch,
            max_unsettled_bytes=end.max_unsettled_bytes,
            fail_fast=self._config.fail_fast,
            clock=self._clock,
            **more,
        )

    def _stream(self, end: SourceEnd) -> Source:
        if not _has_own_amqp(end):
            raise ConfigError(f"queue_type: a stream is read from amqp:// and amqps:// only, not from {end.url.masked}")
        from bridge.sources.stream import StreamSource

        return StreamSource(
            end.broker,
            group=end.group,
            queue_args=end.queue_args,
            prefetch=end.prefetch,
            max_unsettled_bytes=end.max_unsettled_bytes,
            start=end.start,
            remembered=self._remembered(end),
            fail_fast=self._config.fail_fast,
            clock=self._clock,
        )

    def _remembered(self, end: SourceEnd) -> bool:
        """Whether the broker keeps the position in a stream: Kafka's transactions hold it themselves."""
        return end.queue_type == "stream" and self._config.to.kind != "kafka"

    def _counting(self, end: SourceEnd, source: Source, sink: Sink) -> Counting | None:
        """Whoever keeps the position counts starts beside it; None: the sink, if anybody."""
        if end.queue_type != "stream":
            return None
        from bridge.sources.stream import StreamSource

        if not isinstance(source, StreamSource):
            return None
        return source if self._remembered(end) else Rewound(source, sink, self._clock)


def build(config: Config, clock: Clock) -> list[Chain]:
    """
    One chain for each source.

    Raises:
        ConfigError: with every problem found, of schemas, client properties and ends.
    """
    problems: list[str] = []
    schemas = made(problems, lambda: Schemas.load(config.schemas, strict=config.strict))
    builder = Builder(config, schemas or Schemas.load(), clock)  # to see what else is wrong
    chains = [made(problems, partial(builder.chain, end)) for end in config.sources]
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    return [chain for chain in chains if chain is not None]


def alarms(config: Config, clock: Clock) -> "list[Alarms]":
    """Who listens for alarms of the brokers that the service reads; the other commands leave that to it."""
    if config.command != "run":
        return []
    brokers = dict.fromkeys(end.broker for end in config.sources if end.path is None and _has_own_amqp(end))
    if not brokers:
        return []
    from bridge.sources.amqp.alarms import Alarms  # not at the top, as below

    return [Alarms(broker, clock) for broker in brokers]


def further_problems(config: Config, clock: Clock) -> list[str]:
    """
    What `build` finds wrong with schemas, client properties and URLs, for a configuration that is refused already.

    Only what depends on no other value, since defaults may stand for some: a place to begin needs a stream, and perhaps
    just the queue type was misspelled. A missing directory of schemas was said by whoever refused it.
    """
    ends = [replace(end, queue_type="transient", queue_args={}, start=None) for end in config.sources]
    there = config.schemas is not None and config.schemas.is_dir()
    alone = replace(
        config,
        sources=tuple(ends) or Config().sources,  # the sink is looked at with a source only
        schemas=config.schemas if there else None,
        state=None,
    )
    try:
        build(alone, clock)
    except ConfigError as error:
        return list(error.problems)
    return []


def _broker_source(end: SourceEnd) -> Callable[..., Source]:
    """Our own reader where there is one for the URL, unless the user asks for kombu."""
    # Not at the top: kombu takes 0.1 s to import, and whoever does not use it needs none of it.
    if _has_own_amqp(end):
        from bridge.sources.amqp import AmqpSource

        return AmqpSource
    from bridge.sources.kombu import KombuSource

    return KombuSource


def _has_own_amqp(end: SourceEnd) -> bool:
    return end.transport in ("amqp", "amqps") and not end.forced_kombu


def made(problems: list[str], make: Callable[[], T]) -> T | None:
    """What `make` gives; None when it is a ConfigError, whose problems are noted."""
    try:
        return make()
    except ConfigError as error:
        problems += error.problems
        return None
