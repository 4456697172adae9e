"""Unit tests of bridge.sinks.kafka.target."""

from bridge.clients.kafka import parse_properties
from bridge.sinks.kafka.target import DEAD_LETTER_PARTITIONS, PARTITIONS, Target


def test_topics_that_go_with_a_topic() -> None:
    """The positions' one only where positions are stored."""
    target = Target(("h:1", "h:2"), "t", parse_properties({}), "t.dlq", own_dead_letters=True, create_topics=False)
    assert (target.dead_letters, target.positions, str(target)) == ("t.dlq", "t.positions", "h:1,h:2/t")
    assert target.wanted == {"t": PARTITIONS, "t.dlq": DEAD_LETTER_PARTITIONS}
    positioned = Target(
        ("h:1",), "t", parse_properties({}), "t.dlq", own_dead_letters=True, create_topics=False, transactional_id="x"
    )
    assert positioned.wanted == {**target.wanted, "t.positions": 1}
