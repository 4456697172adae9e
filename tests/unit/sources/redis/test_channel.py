"""bridge.sources.redis.channel"""

import pytest

from bridge.errors import ConfigError
from bridge.sources.redis.channel import channel


@pytest.mark.parametrize(
    ("options", "command"),
    [
        ({}, ("PSUBSCRIBE", "/3.celeryev/*")),
        ({"global_keyprefix": "gk:"}, ("PSUBSCRIBE", "gk:/3.celeryev/*")),
        ({"global_keyprefix": "a[1]*?\\"}, ("PSUBSCRIBE", "a\\[1\\]\\*\\?\\\\/3.celeryev/*")),
        ({"fanout_prefix": False}, ("PSUBSCRIBE", "celeryev/*")),
        ({"fanout_prefix": "/app-{db}."}, ("PSUBSCRIBE", "/app-3.celeryev/*")),
        ({"fanout_patterns": False}, ("SUBSCRIBE", "/3.celeryev")),
        ({"fanout_patterns": False, "global_keyprefix": "a*"}, ("SUBSCRIBE", "a*/3.celeryev")),
    ],
)
def test_what_is_subscribed_to(options: dict[str, bool | str], command: tuple[str, str]) -> None:
    """Kombu's channel names, whatever stands in a prefix being meant literally."""
    assert channel(3, **options).command == command  # type: ignore[arg-type]


def test_the_routing_key_is_what_follows_the_prefix() -> None:
    """It may hold anything; without patterns there is none."""
    assert channel(0).routing_key(b"/0.celeryev/task.multi") == "task.multi"
    assert channel(0).routing_key(b"/0.celeryev/a/\xff") == "a/\ufffd"
    assert channel(0, fanout_patterns=False).routing_key(b"/0.celeryev") == ""


@pytest.mark.parametrize("prefix", ["/{database}.", "/{}.", "/{.", "/{db.x}."])
def test_a_placeholder_that_kombu_does_not_know_is_refused(prefix: str) -> None:
    """Kombu fills in {db} only."""
    with pytest.raises(ConfigError, match="fanout_prefix"):
        channel(0, fanout_prefix=prefix)
