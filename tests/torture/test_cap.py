"""The short form of a stream that outgrows its bound: the same code and ledger."""

import pytest

from tests.torture.cap import cap, options
from tests.torture.conftest import MakeScene

pytestmark = pytest.mark.servers("kafka", "rabbitmq")


def test_what_a_stream_cut_off_during_an_outage_is_what_the_gap_says(scene: MakeScene) -> None:
    """
    But for the entry that each segment begins with, which takes an offset too; and what was not cut off is in the topic
    once.
    """
    sizes = options(cap_bytes=300_000, segment_bytes=50_000)
    report = cap(scene("stream", options=sizes), 8_000, 8_000, 50_000, counted=False)
    assert report.faults == []
    assert report.figures["accepted"] == 8_000
