"""bridge.clients.place"""

import pytest

from bridge.clients.place import parameter, place


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("amqp://h", "amqp://h"),
        ("amqp://user:hunter2@h:5672/v?x=hunter2", "amqp://h:5672/v"),
        ("amqp://a//;amqps://u:hunter2@b/v", "amqp://a//;amqps://b/v"),
        ("amqp://user:a/hunter2@h/v", "amqp://***"),
        ("amqp://user:123/hunter2@h/v", "amqp://***"),
        ("amqp://user:123?hunter2@h/v", "amqp://***"),
        ("amqp://user:123#hunter2@h/v", "amqp://***"),
        ("amqp://user:hunter2@h:port", "amqp://***"),
        ("hunter2", "://***"),
    ],
)
def test_only_the_place_is_shown(url: str, shown: str) -> None:
    """Where it cannot be told from a secret, nothing is."""
    assert place(url) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("fanout_patern", "fanout_patern"),
        ("foo", "foo"),
        ("hunter2", "***"),
        ("a b", "***"),
        ("Aa", "***"),
        ("", "***"),
    ],
)
def test_unknown_parameter_is_shown_when_it_looks_like_one(name: str, shown: str) -> None:
    """What follows an unquoted question mark in a password looks like a parameter's name to a parser of URLs."""
    assert parameter(name) == shown
