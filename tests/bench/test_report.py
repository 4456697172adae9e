"""Claims about what the benchmark prints."""

from dataclasses import replace

from tests.bench.contenders import Contender
from tests.bench.drain import Drained
from tests.bench.report import table, verdict

US = Contender("us", "all of it", "q1", lambda ends: [ends.topic], ours=True)
SCRIPT = Contender("script", "some of it", "q2", lambda ends: [ends.topic])
RUN = Drained(1000, 20.0, 0.5, 4.0, 2.0, 5000.0, 90.0)


def test_the_ratio_is_of_medians_and_misses_below_three() -> None:
    """One lucky run does not clear the bar."""
    lucky = [replace(RUN, cpu_us=cpu_us) for cpu_us in (10.0, 20.0, 21.0)]
    assert verdict("mix", {US: lucky, SCRIPT: [replace(RUN, cpu_us=59.0)]})[1] is False
    assert verdict("mix", {US: lucky, SCRIPT: [replace(RUN, cpu_us=60.0)]})[1] is True


def test_who_loses_events_has_no_figure() -> None:
    """Its row says so in every column, and there is no verdict to be had."""
    lost = [RUN, replace(RUN, lost=True, fault="1 lost")]
    rows = table({US: [RUN], SCRIPT: lost})
    assert "20.0" not in rows[-1]
    assert "lost events" in rows[-1]
    assert verdict("mix", {US: [RUN], SCRIPT: lost})[1] is False


def test_ratios_are_to_our_best_figure() -> None:
    """Ours is 1, whoever takes twice as much has 2."""
    rows = table({US: [RUN], SCRIPT: [replace(RUN, cpu_us=40.0)]})
    assert [row.split(" | ")[3] for row in rows[2:]] == ["1.0", "2.0"]
