"""Unit tests of bridge.clients.kafka.address."""

import pytest

from bridge.clients.kafka import Address, check_topic, parse_url
from bridge.errors import ConfigError


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("kafka://h1:9092,h2:9093/celery.events", Address(("h1:9092", "h2:9093"), "celery.events")),
        ("kafka://h1/t", Address(("h1:9092",), "t")),
        ("kafka://[::1]:9094,10.0.0.1/t", Address(("[::1]:9094", "10.0.0.1:9092"), "t")),
        ("kafka://my_host-1.example.org/a_b-c.d", Address(("my_host-1.example.org:9092",), "a_b-c.d")),
    ],
)
def test_url_names_servers_and_topic(url: str, address: Address) -> None:
    """Every server gets a port, 9092 where none is said."""
    assert parse_url(url) == address


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://h/t", "begins with kafka://"),
        ("kafka://h", "names no topic"),
        ("kafka://h/", "names no topic"),
        ("kafka:///t", "names no server"),
        ("kafka://h:0/t", "'h:0' is not host:port"),
        ("kafka://h:99999/t", "'h:99999' is not host:port"),
        ("kafka://h:x/t", "'h:x' is not host:port"),
        ("kafka://a,,b/t", "'' is not host:port"),
        ("kafka://h/a/b", "'a/b' may hold letters"),
        ("kafka://h/t?acks=0", "may hold letters"),
        ("kafka://h/..", "may hold letters"),
        ("kafka://h/" + "t" * 246, "longer than 245"),
    ],
)
def test_url_that_cannot_be_used_says_why(url: str, problem: str) -> None:
    """One sentence per problem."""
    with pytest.raises(ConfigError, match=problem.replace("(", r"\(")):
        parse_url(url)


def test_url_tells_every_problem_at_once() -> None:
    """Two wrong servers and a missing topic are three problems."""
    with pytest.raises(ConfigError) as caught:
        parse_url("kafka://a:b,c:d")
    assert len(caught.value.problems) == 3


def test_credentials_in_a_url_are_refused_and_not_repeated() -> None:
    """They belong into properties; the error goes to logs."""
    with pytest.raises(ConfigError, match=r"sasl\.username") as caught:
        parse_url("kafka://user:secret@h/t")
    assert "secret" not in str(caught.value)


def test_longest_topic_leaves_room_for_its_dead_letters() -> None:
    """Kafka takes 249 characters; `.dlq` has 4."""
    assert check_topic("t" * 245) == ""
    assert "longer than 245" in check_topic("t" * 246)
