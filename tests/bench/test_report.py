"""Claims about what the benchmark prints."""

from dataclasses import replace

from tests.bench.contenders import Contender
from tests.bench.drain import Drained
from tests.bench.report import jobs, table

US = Contender("us", "ours", "all of it", "q1", lambda ends: [ends.topic], ours=True)
SCRIPT = Contender("script", "the script", "some of it", "q2", lambda ends: [ends.topic])
RUN = Drained(1000, 20.0, 0.5, 4.0, 2.0, 5000.0, 90.0)


def test_who_loses_events_or_ends_has_no_figure() -> None:
    """Its row says so in every column."""
    for runs, said in (([RUN, replace(RUN, lost=True, fault="1 lost")], "lost events"), ([], "ended")):
        rows = table({US: [RUN], SCRIPT: runs})
        assert "20.0" not in rows[-1]
        assert said in rows[-1]


def test_ratios_are_to_the_first_of_ours() -> None:
    """Ours is 1, whoever takes twice as much has 2."""
    rows = table({US: [RUN], SCRIPT: [replace(RUN, cpu_us=40.0)]})
    assert [row.split(" | ")[2] for row in rows[2:]] == ["1.0", "2.0"]


def test_equal_jobs_are_said_once() -> None:
    """With the names of all that do them."""
    assert jobs([US, replace(US, name="again"), SCRIPT]) == ["- ours; again: all of it", "- the script: some of it"]
