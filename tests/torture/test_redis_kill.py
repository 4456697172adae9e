"""The short form of Redis's kills: the same code and ledger."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers.redis import RedisServer
from tests.torture.redis_kill import kill_redis

pytestmark = pytest.mark.servers("redis")


def test_all_that_kills_of_redis_took_is_inside_gaps_and_estimated(
    redis_servers: Callable[..., RedisServer], tmp_path: Path
) -> None:
    """kill -9 under load: as many gaps as kills, every event that was lost inside one, the number within 2 %."""
    report = kill_redis(redis_servers(), tmp_path, events=12_000, times=3, seed=20261128)
    assert report.faults == []
