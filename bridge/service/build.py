"""From a configuration to chains that are connected to nothing yet."""

import os
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from bridge.chain import Chain
from bridge.clock import Clock
from bridge.config import Config, SourceEnd
from bridge.encode import Encoder, KafkaEncoder, LineEncoder
from bridge.errors import ConfigError, RecordError
from bridge.filter import Filter, Patterns
from bridge.formats import Format
from bridge.formats.dump import Dump
from bridge.formats.native import Native
from bridge.formats.pretty import Pretty
from bridge.formats.raw import raw
from bridge.formats.tagged import AsSent, NativeWithTags
from bridge.formats.terminal import terminal_width, wants_color
from bridge.model import Record
from bridge.pipeline import Limit, Pipeline
from bridge.sinks import DeadLetter, Sink
from bridge.sinks.stdout import LinesSink, LineWriter
from bridge.sources import Source
from bridge.sources.lines import LinesSource
from bridge.state import ClusterState
from bridge.telemetry import Counters
from bridge.validate import EVERY_TYPE, Policy, Schemas

STDOUT = 1

CONTENT_TYPES = {"raw": "application/json", "dump": "text/plain; charset=utf-8", "pretty": "text/plain; charset=utf-8"}
"""What Kafka's headers call a format that is no CloudEvent."""

T = TypeVar("T")


class Builder:
    """
    Makes the chains of one process, and what they share: schemas, filters, the limit, the writer of lines.

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
        to = config.to
        self._writer = (
            None
            if to.kind == "kafka"
            else LineWriter(f"file:{to.path}" if to.path else "stdout", stdout=STDOUT, clock=clock)
        )

    def chain(self, end: SourceEnd) -> Chain:
        """
        The chain of one source, to the sink of the configuration.

        Raises:
            ConfigError: its source or sink can never work; every problem of both.
        """
        config, counters = self._config, Counters()
        encoder = self._encoder(end.label)

        def dead_letter(record: Record, error: RecordError) -> Record:
            counters.refused(record.events)
            return encoder.refused(record, error)

        problems: list[str] = []
        source = _made(problems, lambda: self._source(end))
        sink = _made(problems, lambda: self._sink(dead_letter))
        if source is None or sink is None:
            raise ConfigError(problems)
        return Chain(
            end.label,
            source,
            sink,
            Pipeline(
                schemas=self._schemas,
                state=ClusterState(max_tasks=config.max_tasks),
                encoder=encoder,
                passes=self._passes,
                limit=self._limit,
                policy=Policy(config.on_invalid, self._schemas, self._clock),
                clock=self._clock,
            ),
            counters=counters,
            max_unsettled_bytes=end.max_unsettled_bytes,
            clock=self._clock,
        )

    def _encoder(self, label: str) -> Encoder:
        if self._config.to.kind == "kafka":
            content_type = CONTENT_TYPES.get(self._config.format_for(terminal=False))
            return KafkaEncoder(
                self._tagging(self._format(label), label),
                cluster=label,
                topic=self._config.to.topic,
                content_type=content_type,
            )
        format_ = self._format(label)
        gap = format_.gap if isinstance(format_, Pretty) else None
        return LineEncoder(self._tagging(format_, label), cluster=label, gap=gap)

    def _tagging(self, format_: Format, label: str) -> Format:
        """The format, where it may be given events that violate their schemas."""
        if self._config.on_invalid != "tag":
            return format_
        if not isinstance(format_, Native):
            return AsSent(format_)
        schemas = self._schemas
        misfits = schemas.misfits
        apart = Native(label, schemas.documented, schemas.nullable, EVERY_TYPE, lambda event: misfits(event) - {"type"})
        return NativeWithTags(format_, apart)

    def _format(self, label: str) -> Format:
        tty = os.isatty(STDOUT)
        match self._config.format_for(tty):
            case "raw":
                return raw
            case "dump":
                return Dump()
            case "pretty":
                color = wants_color(os.environ, tty=tty and self._config.to.kind == "stdout")
                return Pretty(width=lambda: terminal_width(STDOUT, os.environ), color=color, cluster=label)
            case _:
                schemas = self._schemas
                return Native(label, schemas.documented, schemas.nullable, schemas.replaced, schemas.misfits)

    def _source(self, end: SourceEnd) -> Source:
        if end.path is not None:
            return LinesSource(end.path)
        # Not at the top: kombu takes 0.1 s to import, and a file or a Kafka needs none of it.
        from bridge.sources.kombu import KombuSource

        return KombuSource(
            end.broker,
            queue_type="transient" if end.queue_type == "transient" else "quorum",
            group=end.group,
            queue_args=end.queue_args,
            prefetch=end.prefetch,
            max_unsettled_bytes=end.max_unsettled_bytes,
            fail_fast=self._config.fail_fast,
            clock=self._clock,
        )

    def _sink(self, dead_letter: DeadLetter) -> Sink:
        config = self._config
        if self._writer is not None:
            return LinesSink(self._writer)
        from bridge.sinks.kafka import KafkaSink  # not at the top: aiokafka takes 0.1 s to import

        return KafkaSink(
            config.to.servers,
            config.to.topic,
            dead_letter=dead_letter,
            properties=config.kafka_properties,
            create_topics=config.create_topics,
            fail_fast=config.fail_fast,
            clock=self._clock,
        )


def build(config: Config, clock: Clock) -> list[Chain]:
    """
    One chain for each source.

    Raises:
        ConfigError: with every problem found, of schemas, client properties and ends.
    """
    problems: list[str] = []
    schemas = (
        _made(problems, lambda: Schemas.load(config.schemas, strict=config.strict)) or Schemas.load()
    )  # to see what else is wrong
    builder = Builder(config, schemas, clock)
    chains = [_made(problems, partial(builder.chain, end)) for end in config.sources]
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    return [chain for chain in chains if chain is not None]


def _made(problems: list[str], make: Callable[[], T]) -> T | None:
    """What `make` gives; None when it is a ConfigError, whose problems are noted."""
    try:
        return make()
    except ConfigError as error:
        problems += error.problems
        return None
