"""The short form of two bridges of one group: the same code and ledger."""

import pytest

from tests.torture.conftest import MakeScene
from tests.torture.replicas import replicas
from tests.torture.scene import PATIENCE_SECONDS

pytestmark = pytest.mark.servers("kafka", "rabbitmq")


def test_a_replica_of_a_stream_takes_over_without_losing_or_repeating(scene: MakeScene) -> None:
    """The one that reads is killed, the other goes on: each event is in the topic exactly once, in order."""
    report = replicas(scene("stream"), events=6_000, times=1, rate=1_500, seed=20261128, within=PATIENCE_SECONDS)
    assert report.faults == []
    assert report.figures["accepted"] == 6_000
