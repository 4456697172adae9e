"""The short form of the kills: the same code and ledger."""

import pytest

from tests.torture.conftest import MakeScene
from tests.torture.kill import kill

pytestmark = pytest.mark.servers("kafka", "rabbitmq")


@pytest.mark.parametrize(("queue_type", "repeats"), [("quorum", 1.0), ("stream", 0.0)])
def test_kill_9_loses_nothing(scene: MakeScene, queue_type: str, repeats: float) -> None:
    """
    Four kills in 12,000 confirmed events: each is there, as it was sent, those of one task in their order, and none is
    dead-lettered. Of a quorum queue some come again with the same event_id, of a stream none does.
    """
    report = kill(scene(queue_type), events=12_000, times=4, rate=6_000, seed=20261128, repeats=repeats)
    assert report.faults == []
    assert report.figures["accepted"] == 12_000
