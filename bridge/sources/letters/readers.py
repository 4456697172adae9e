"""Dead letters out of a file or a topic, each read once to its end."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self

from bridge.clients.kafka import TopicReader, parse_properties
from bridge.letters import Letter, from_line, from_message
from bridge.model import Delivery
from bridge.sources.lines import LinesSource


class LetterReader(Protocol):
    """Reads dead letters once, from the first to the last; an async context manager."""

    async def __aenter__(self) -> Self:
        """
        Open it.

        Raises:
            ConfigError, ConnectError, CredentialsError: it cannot be read, and why.
        """
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        ...

    async def read(self) -> list[Letter]:
        """
        The next 0..1,000 letters.

        Raises:
            EndOfStream: there are no more.
            SourceError: it cannot be read any further.
        """
        ...

    def stop(self) -> None:
        """Read no more: soon there is an EndOfStream."""
        ...


class LineLetters:
    """
    The lines of type `bridge-dead-letter` of a file, or of stdin (`-`); other lines are passed over.

    A line above 64 MiB is none (see `bridge.sources.lines`).
    """

    def __init__(self, path: str) -> None:
        self._lines = LinesSource(path)

    async def __aenter__(self) -> Self:
        """See `LetterReader`."""
        await self._lines.__aenter__()
        await self._lines.start(None)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """See `LetterReader`."""
        await self._lines.__aexit__(kind, error, trace)

    async def read(self) -> list[Letter]:
        """See `LetterReader`."""
        found = (
            from_line(item.body, f"line {item.tag}") for item in await self._lines.read() if isinstance(item, Delivery)
        )
        return [letter for letter in found if letter is not None]

    def stop(self) -> None:
        """See `LetterReader`."""
        self._lines.stop()


class TopicLetters:
    """
    The messages of a Kafka topic that have a `celery.errors.reason`; others are passed over.

    Args:
        servers, topic: which.
        properties: Kafka client properties in the spelling of Java or librdkafka.

    Raises:
        ConfigError: the properties are wrong.
    """

    def __init__(self, servers: Sequence[str], topic: str, properties: Mapping[str, str]) -> None:
        self._reader = TopicReader(servers, topic, parse_properties(properties))

    async def __aenter__(self) -> Self:
        """See `LetterReader`."""
        await self._reader.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """See `LetterReader`."""
        await self._reader.__aexit__(kind, error, trace)

    async def read(self) -> list[Letter]:
        """See `LetterReader`."""
        found = (
            from_message(message.value, message.headers, message.timestamp_ms, message.where)
            for message in await self._reader.read()
        )
        return [letter for letter in found if letter is not None]

    def stop(self) -> None:
        """See `LetterReader`."""
        self._reader.stop()
