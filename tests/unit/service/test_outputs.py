"""Where records and dead letters go."""

from typing import Any

import pytest

from bridge.clock import SystemClock
from bridge.config import Config, SinkEnd
from bridge.encode import KafkaEncoder, LineEncoder
from bridge.formats.tagged import AsSent, NativeWithTags
from bridge.model import Delivery, Failure, Record
from bridge.service.encoders import LettersApart
from bridge.service.outputs import Outputs
from bridge.sinks.apart import Apart
from bridge.sinks.kafka import KafkaSink
from bridge.sinks.stdout import LinesSink
from tests.unit.making import SCHEMAS

KAFKA = SinkEnd(kind="kafka", servers=("k1:9092", "k2:9092"), topic="events")
FILE = SinkEnd(kind="file", path="dead.jsonl")


def outputs(**given: Any) -> Outputs:
    """Of a configuration."""
    return Outputs(Config(**given), SCHEMAS, SystemClock())


def no_letter(record: Record, error: Exception) -> None:
    """Nobody asks."""


def topics(sink: Any) -> list[str]:
    """What a Kafka sink looks for."""
    return list(sink._target.wanted)


def test_without_the_option_letters_go_beside_the_records() -> None:
    """To `.dlq`, in the same sink."""
    one = outputs(to=KAFKA)
    assert isinstance(one.encoder("c"), KafkaEncoder)
    assert topics(one.sink(no_letter)) == ["events", "events.dlq"]


def test_another_topic_of_the_same_cluster_is_written_by_the_same_producer() -> None:
    """The order of its servers does not matter."""
    beside = SinkEnd(kind="kafka", servers=("k2:9092", "k1:9092"), topic="bad")
    one = outputs(to=KAFKA, dead_letters=beside)
    letter = one.encoder("c").dead_letter(Delivery(b"x"), [Failure("decode", "e")], 1.0)
    sink = one.sink(no_letter)
    assert letter.topic == "bad"
    assert isinstance(sink, KafkaSink)
    assert topics(sink) == ["events", "bad"]


@pytest.mark.parametrize("elsewhere", [FILE, SinkEnd(), SinkEnd(kind="kafka", servers=("k3:9092",), topic="events")])
def test_anywhere_else_they_have_a_sink_of_their_own(elsewhere: SinkEnd) -> None:
    """In the form of that place; the records' cluster needs no topic for them."""
    one = outputs(to=KAFKA, dead_letters=elsewhere)
    sink: Any = one.sink(no_letter)
    assert isinstance(one.encoder("c"), LettersApart)
    assert isinstance(sink, Apart)
    assert topics(sink._records) == ["events"]
    waiting = sink._records._letters_written()
    waiting.close()
    assert waiting.__qualname__ == Apart.diverted.__qualname__  # before a position is committed
    if elsewhere.kind == "kafka":
        assert topics(sink._letters) == ["events"]
    else:
        assert isinstance(sink._letters, LinesSink)


def test_the_same_place_is_no_other_place() -> None:
    """Lines of both go through one writer."""
    one = outputs(to=FILE, dead_letters=FILE)
    assert isinstance(one.encoder("c"), LineEncoder)
    assert isinstance(one.sink(no_letter), LinesSink)


def test_sinks_of_several_chains_share_their_writers() -> None:
    """Whole batches of lines, from whichever chain."""
    one = outputs(to=SinkEnd(), dead_letters=FILE)
    first, second = one.sink(no_letter), one.sink(no_letter)
    assert first._records._writer is second._records._writer  # type: ignore[attr-defined]
    assert first._letters._writer is second._letters._writer  # type: ignore[attr-defined]


def test_without_dead_letters_no_topic_is_needed() -> None:
    """For sending dead letters again."""
    assert topics(outputs(to=KAFKA, dead_letters=FILE).sink(no_letter, own_dead_letters=False)) == ["events"]


def test_formats_take_tagged_events_where_there_are_any() -> None:
    """With a mark, or as they were sent."""
    assert isinstance(outputs(on_invalid="tag").encoder("c")._format, NativeWithTags)  # type: ignore[attr-defined]
    assert isinstance(outputs(on_invalid="tag", format="raw").encoder("c")._format, AsSent)  # type: ignore[attr-defined]
