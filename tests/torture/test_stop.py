"""The short form of the stops: the same code and ledger."""

import pytest

from tests.torture.conftest import MakeScene
from tests.torture.scene import PATIENCE_SECONDS
from tests.torture.stop import stop

pytestmark = pytest.mark.servers("kafka", "rabbitmq")


@pytest.mark.parametrize("queue_type", ["quorum", "stream"])
def test_sigterm_under_load_loses_and_repeats_nothing(scene: MakeScene, queue_type: str) -> None:
    """Stopped four times while events pour in, each time with exit code 0: each event is in the topic exactly once."""
    report = stop(scene(queue_type), events=12_000, times=3, rate=6_000, seed=20261128, within=PATIENCE_SECONDS)
    assert report.faults == []
    assert report.figures["accepted"] == 12_000
