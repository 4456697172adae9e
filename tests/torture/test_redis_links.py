"""The short form of Redis's broken and bad link: the same code and ledger."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers.redis import RedisServer
from tests.torture.network import Network
from tests.torture.redis_links import break_redis

pytestmark = pytest.mark.servers("redis")


def test_what_a_broken_link_to_redis_took_is_inside_gaps_and_estimated(
    redis_servers: Callable[..., RedisServer], network: Network, tmp_path: Path
) -> None:
    """
    Frozen and half-open, noticed with pings each 0.5 s: a gap each, with every lost event inside. Unheard, sliced, late
    and narrow, it loses nothing.
    """
    server = redis_servers()
    link = network.link(server.port)
    often = "?health_check_interval=0.5"
    report = break_redis(server, link, tmp_path, times=2, seconds=0, bad_events=60, parameters=often)
    assert report.faults == []
