"""bridge.sources.kombu.link"""

import inspect

import pytest

from bridge.sources.kombu.amqp import AmqpLink
from bridge.sources.kombu.link import Link
from bridge.sources.kombu.redis import RedisLink
from bridge.sources.kombu.virtual import VirtualLink

METHODS = [name for name, _ in inspect.getmembers(Link, inspect.isfunction) if not name.startswith("_")]


@pytest.mark.parametrize("kind", [AmqpLink, RedisLink, VirtualLink])
@pytest.mark.parametrize("method", METHODS)
def test_every_link_has_the_methods_of_the_protocol(kind: type[Link], method: str) -> None:
    """With the same parameters, by name: the reader does not know which one it has."""
    promised, kept = (inspect.signature(getattr(owner, method)).parameters for owner in (Link, kind))
    assert [(p.name, p.kind) for p in kept.values()] == [(p.name, p.kind) for p in promised.values()]
