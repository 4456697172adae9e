"""Unit tests of bridge.sinks.kafka.spread."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import SinkError
from bridge.model import Record
from bridge.sinks.kafka.partition import partition
from bridge.sinks.kafka.spread import spread

PARTITIONS = {"t": 4, "t.dlq": 1}


@given(
    st.lists(st.tuples(st.sampled_from(["", "t", "t.dlq"]), st.sampled_from([None, b"", b"a", b"b", b"c"]))),
    st.integers(0, 9),
)
def test_each_record_is_in_its_place_in_order(kinds: list[tuple[str, bytes | None]], turn: int) -> None:
    """All of them, once; those of a key in its partition, those without one in the turn's."""
    records = [Record(b"%d" % number, topic, key) for number, (topic, key) in enumerate(kinds)]
    places = spread(records, "t", PARTITIONS, turn)
    assert len({place[:2] for place in places}) == len(places)
    for topic, number, some in places:
        count = PARTITIONS[topic]
        assert some == [
            record
            for record in records
            if (record.topic or "t") == topic
            and number == (turn % count if record.key is None else partition(record.key, count))
        ]
    assert sum(len(some) for _, _, some in places) == len(records)


@pytest.mark.parametrize("partitions", [{"t": 4}, {"t": 4, "other": 0}])
def test_another_topic_is_refused(partitions: dict[str, int]) -> None:
    """Also one that is gone."""
    with pytest.raises(SinkError, match="the Kafka topic other, which"):
        spread([Record(b"1"), Record(b"2", "other")], "t", partitions, 0)
