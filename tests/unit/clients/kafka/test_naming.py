"""Unit tests of bridge.clients.kafka.naming."""

import pytest

from bridge.clients.kafka import check_topic


@pytest.mark.parametrize("topic", ["celery.events", "a_b-c.d", "T", "t" * 245])
def test_name_that_kafka_takes_is_fine(topic: str) -> None:
    """The longest leaves room for `.dlq`: Kafka takes 249 characters."""
    assert check_topic(topic) == ""


@pytest.mark.parametrize(
    ("topic", "problem"),
    [
        ("", "names no topic"),
        ("a/b", "'a/b' may hold letters"),
        ("t?acks=0", "may hold letters"),
        ("..", "may hold letters"),
        ("é", "may hold letters"),
        ("t\n", "may hold letters"),
        ("t" * 246, "longer than 245"),
    ],
)
def test_name_that_kafka_refuses_says_why(topic: str, problem: str) -> None:
    """One sentence."""
    assert problem in check_topic(topic)


def test_name_must_leave_room_for_that_of_its_positions() -> None:
    """Where positions are stored."""
    assert "longer than 239" in check_topic("t" * 240, positioned=True)
    assert check_topic("t" * 240) == check_topic("t" * 239, positioned=True) == ""
