"""Which channels Celery's events are published to."""

import re
from dataclasses import dataclass

from bridge.clients.queue import EXCHANGE
from bridge.errors import ConfigError

DEFAULT_PREFIX = "/{db}."
"""Of kombu's fanout channels (kombu/transport/redis.py, `keyprefix_fanout`)."""

_GLOB = re.compile(r"([*?\[\]\\])")
"""What a pattern of PSUBSCRIBE gives a meaning to, in a prefix that has none for us."""


@dataclass(frozen=True, slots=True)
class Channel:
    """
    Where kombu's transport publishes: `<prefix>/<routing key>` with patterns, `<prefix>` alone without.

    Publish/subscribe knows no databases: the number is a piece of the name.
    """

    prefix: str
    patterns: bool = True

    @property
    def command(self) -> tuple[str, str]:
        """What asks Redis for it. A user of an ACL needs the right to exactly this pattern, or to this channel."""
        if self.patterns:
            return "PSUBSCRIBE", _GLOB.sub(r"\\\1", self.prefix) + "/*"
        return "SUBSCRIBE", self.prefix

    def routing_key(self, name: bytes) -> str:
        """Of a message published to the channel of this name; empty without patterns."""
        return name.decode("utf-8", "replace").removeprefix(self.prefix).removeprefix("/")


def channel(
    database: int, *, global_keyprefix: str = "", fanout_prefix: bool | str = True, fanout_patterns: bool = True
) -> Channel:
    """
    The channel of a database's events, from kombu's transport options of the same names.

    Raises:
        ConfigError: the prefix has a placeholder that kombu does not fill in.
    """
    prefix = fanout_prefix if isinstance(fanout_prefix, str) else DEFAULT_PREFIX if fanout_prefix else ""
    try:
        return Channel(global_keyprefix + prefix.format(db=database) + EXCHANGE, fanout_patterns)
    except (KeyError, IndexError, ValueError, AttributeError):
        raise ConfigError(f"fanout_prefix={prefix}: only {{db}} is filled in") from None
