"""Claims about the bars."""

from dataclasses import replace

from tests.bench.bars import verdicts
from tests.bench.drain import Drained

RUN = Drained(1000, 13.0, 0.5, 10.0, 2.0, 70_000.0, 90.0)


def test_medians_are_held_against_the_bars() -> None:
    """One lucky run does not clear a bar, one unlucky run does not miss it."""
    runs = [replace(RUN, cpu_us=cpu_us) for cpu_us in (10.0, 15.0, 16.0)]
    assert not all(cleared for _, cleared in verdicts("single", {"quorum": runs}))
    runs[1] = RUN
    assert all(cleared for _, cleared in verdicts("single", {"quorum": runs}))


def test_rivals_are_compared_on_single_events() -> None:
    """Five times bento's enrichment, ten times the script; nothing of it on the mix."""
    runs = {"quorum": [RUN], "bento-enrich": [replace(RUN, cpu_us=64.0)], "script": [replace(RUN, cpu_us=130.0)]}
    said = dict(verdicts("single", runs))
    assert [cleared for text, cleared in said.items() if "bento" in text] == [False]
    assert [cleared for text, cleared in said.items() if "script" in text] == [True]
    assert not [text for text, _ in verdicts("mix", runs) if "times" in text]


def test_a_stream_has_to_spare_the_broker() -> None:
    """RabbitMQ's CPU of the quorum run, at least five times that of the stream."""
    runs = {"quorum": [RUN], "stream": [replace(RUN, broker_us=2.1)]}
    assert [cleared for text, cleared in verdicts("single", runs) if "RabbitMQ" in text] == [False]


def test_who_lost_events_or_ended_clears_nothing() -> None:
    """There is no figure, and that is a miss."""
    for runs in ([], [RUN, replace(RUN, lost=True)]):
        (said,) = verdicts("mix", {"redis": runs})
        assert said == ("bar: redis: at most 17 us of CPU per event: no figure: MISSED", False)
        (said,) = verdicts("mix", {"stream": runs})
        assert said == ("bar: stream: at least 60,000 events/s: no figure: MISSED", False)
