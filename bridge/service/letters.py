"""Dead letters that are read back: shown, or sent again."""

import asyncio

import structlog

from bridge.clock import Clock, SystemClock
from bridge.config import Config, SinkEnd
from bridge.errors import EndOfStream
from bridge.letters import Groups
from bridge.service.build import Builder
from bridge.service.process import Service
from bridge.sources.letters import LetterReader, LettersSource, LineLetters, TopicLetters
from bridge.validate import Schemas

log = structlog.get_logger()

CUT_SHOWN = 20
"""Letters that are named one by one because they cannot be sent again; a topic may hold any number."""


def reader_of(end: SinkEnd, config: Config) -> LetterReader:
    """
    Reads the letters of a topic, or of a file.

    Raises:
        ConfigError: the Kafka properties are wrong.
    """
    if end.kind == "kafka":
        return TopicLetters(end.servers, end.topic, config.kafka_properties)
    return LineLetters(end.path)


async def grouped(end: SinkEnd, config: Config) -> Groups:
    """
    All letters there are, by what is wrong with them.

    Raises:
        ConfigError, ConnectError, CredentialsError, SourceError: they cannot be read.
    """
    groups = Groups()
    async with reader_of(end, config) as reader:
        try:
            while True:
                for letter in await reader.read():
                    groups.add(letter)
        except EndOfStream:
            return groups


async def replay(end: SinkEnd, config: Config, *, stop: asyncio.Event | None = None, clock: Clock | None = None) -> int:
    """
    Send the events that failed through the schemas in force, to the sink of the configuration, and say what became of
    them. No letter is removed, and none is written.

    Args:
        stop: ends it when set, as SIGTERM does; given, no signal handlers are installed.

    Returns:
        The exit code: 0 whatever failed again; see `bridge.service.run` for the others.

    Raises:
        BridgeError: an end cannot work, or not go on.
    """
    clock = clock or SystemClock()
    source = LettersSource(reader_of(end, config))
    chain = Builder(config, Schemas.load(config.schemas, strict=config.strict), clock).chain_of_letters(source)
    service = Service(config, [chain], clock)
    with service.signals() if stop is None else service.stopped_by(stop):
        try:
            return await service.run()
        finally:
            counters = chain.counters
            if source.cut:
                log.warning(
                    "dead letters whose body was cut cannot be sent again",
                    letters=len(source.cut),
                    where=source.cut[:CUT_SHOWN],
                )
            log.info(
                "dead letters sent again",
                letters=source.letters,
                events=counters.received,
                went_through=counters.delivered,
                failed_again=counters.filtered + counters.dead_lettered,
                unsettled=counters.unsettled,
                cut=len(source.cut),
            )
