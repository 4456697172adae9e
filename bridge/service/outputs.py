"""From a configuration to where records and dead letters go, and in which form."""

import os
from typing import TYPE_CHECKING

from bridge.clock import Clock
from bridge.config import Config, SinkEnd
from bridge.encode import Encoder, KafkaEncoder, LineEncoder
from bridge.errors import RecordError
from bridge.formats import Format
from bridge.formats.native import Native
from bridge.formats.raw import raw
from bridge.formats.tagged import AsSent, NativeWithTags
from bridge.model import Record
from bridge.service.encoders import LettersApart
from bridge.sinks import DeadLetter, LettersWritten, Sink
from bridge.sinks.apart import Apart
from bridge.validate import EVERY_TYPE, Schemas

# What only lines and terminals need is imported where it is used: together a tenth of the start of a bridge to Kafka.
if TYPE_CHECKING:
    from bridge.sinks.stdout import LineWriter

STDOUT = 1

CONTENT_TYPES = {"raw": "application/json", "dump": "text/plain; charset=utf-8", "pretty": "text/plain; charset=utf-8"}
"""What Kafka's headers call a format that is no CloudEvent."""


class Outputs:
    """
    Makes the encoders and sinks of one process, and what they share: a writer of lines for each place.

    Args:
        clock: given to everything that asks for the time.
    """

    def __init__(self, config: Config, schemas: Schemas, clock: Clock) -> None:
        self._config = config
        self._schemas = schemas
        self._clock = clock
        to, letters = config.to, config.dead_letters
        self._writers = {
            str(end): _writer(end, clock) for end in (to, letters) if end is not None and end.kind != "kafka"
        }
        self._beside = letters is not None and letters.kind == "kafka" and set(letters.servers) == set(to.servers)
        """Whether they go to a topic of the records' own cluster: one producer writes both."""
        self._apart = None if letters is None or self._beside or letters == to else letters

    def encoder(self, label: str) -> Encoder:
        """What encodes the records and dead letters of one cluster."""
        records = self._encoder(self._config.to, label)
        if self._apart is None:
            return records
        return LettersApart(records, self._encoder(self._apart, label), str(self._apart))

    def sink(
        self, dead_letter: DeadLetter, *, own_dead_letters: bool = True, transactional_id: str | None = None
    ) -> Sink:
        """
        A sink of its own for one chain.

        Args:
            dead_letter: makes the dead letter of a refused record, or None where there shall be none.
            own_dead_letters: whether there are dead letters at all.
            transactional_id: to write to Kafka exactly once; ignored where nothing is written to Kafka.

        Raises:
            ConfigError: it can never work.
        """
        apart = self._apart
        if apart is None or not own_dead_letters:
            return self._sink(
                self._config.to, dead_letter, own_dead_letters=own_dead_letters, transactional_id=transactional_id
            )

        def divert(record: Record, error: RecordError) -> None:
            letter = dead_letter(record, error)
            if letter is not None:
                sink.divert(letter)

        def kept(record: Record, _: RecordError) -> Record:  # of a letter that is refused: cut, or without its time
            return record

        records = self._sink(
            self._config.to,
            divert,
            own_dead_letters=False,
            letters_written=lambda: sink.diverted(),
            transactional_id=transactional_id,
        )
        sink = Apart(records, self._sink(apart, kept, dead_letter_topic=apart.topic), str(apart))
        return sink

    def _encoder(self, end: SinkEnd, label: str) -> Encoder:
        format_ = self._format(label)
        tagging = self._tagging(format_, label)
        if end.kind != "kafka":
            from bridge.formats.pretty import Pretty

            return LineEncoder(tagging, cluster=label, gap=format_.gap if isinstance(format_, Pretty) else None)
        content_type = CONTENT_TYPES.get(self._config.format_for(terminal=False))
        return KafkaEncoder(
            tagging,
            cluster=label,
            topic=end.topic,
            dead_letter_topic=self._config.dead_letters.topic if self._beside and self._config.dead_letters else "",
            content_type=content_type,
        )

    def _format(self, label: str) -> Format:
        tty = os.isatty(STDOUT)
        match self._config.format_for(tty):
            case "raw":
                return raw
            case "dump":
                from bridge.formats.dump import Dump

                return Dump()
            case "pretty":
                from bridge.formats.pretty import Pretty
                from bridge.formats.terminal import terminal_width, wants_color

                color = wants_color(os.environ, tty=tty and self._config.to.kind == "stdout")
                return Pretty(width=lambda: terminal_width(STDOUT, os.environ), color=color, cluster=label)
            case _:
                schemas = self._schemas
                return Native(label, schemas.documented, schemas.nullable, schemas.replaced, schemas.misfits)

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

    def _sink(
        self,
        end: SinkEnd,
        dead_letter: DeadLetter,
        *,
        dead_letter_topic: str = "",
        own_dead_letters: bool = True,
        letters_written: LettersWritten | None = None,
        transactional_id: str | None = None,
    ) -> Sink:
        config = self._config
        if end.kind != "kafka":
            from bridge.sinks.stdout import LinesSink

            return LinesSink(self._writers[str(end)])
        from bridge.sinks.kafka import KafkaSink  # not at the top: aiokafka takes 0.1 s to import

        if self._beside and config.dead_letters is not None:
            dead_letter_topic = config.dead_letters.topic
        return KafkaSink(
            end.servers,
            end.topic,
            dead_letter=dead_letter,
            dead_letter_topic=dead_letter_topic,
            own_dead_letters=own_dead_letters,
            letters_written=letters_written,
            properties=config.kafka_properties,
            create_topics=config.create_topics,
            fail_fast=config.fail_fast,
            transactional_id=transactional_id,
            clock=self._clock,
        )


def _writer(end: SinkEnd, clock: Clock) -> "LineWriter":
    from bridge.sinks.stdout import LineWriter

    return LineWriter(str(end), stdout=STDOUT, clock=clock)
