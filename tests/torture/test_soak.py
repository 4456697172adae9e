"""The short form of the soak: the same code and ledger, and what it says of growth."""

import argparse
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from tests.servers.kafka import KafkaServer
from tests.servers.rabbitmq import RabbitServer
from tests.torture.conftest import MakeScene
from tests.torture.network import Links, Network
from tests.torture.soak import KILLS, LINK_FAULTS, command, plan, soak
from tests.torture.vitals import MIB, Span, grown, slope_mib_per_hour


@pytest.mark.timeout(300)  # nine starts, ends and repairs
@pytest.mark.servers("kafka", "rabbitmq")
def test_a_fault_each_moment_loses_and_repeats_nothing_of_a_stream(
    scene: MakeScene, network: Network, kafka: KafkaServer, rabbitmq: RabbitServer, tmp_path: Path
) -> None:
    """
    The bridge killed, and both links frozen, reset and slow, beneath 8,000 events: each is there once, in order; and
    descriptors, threads and asyncio tasks were counted. Servers that are killed are in test_outages.py.
    """
    links, tasks = Links.between(network, kafka, rabbitmq), tmp_path / "tasks.txt"
    options = argparse.Namespace(events=8_000, times=7, rate=2_000, seed=20261128)
    faults = ("kill bridge", *LINK_FAULTS)
    here = scene("stream", ports=links.ports, parameters="&heartbeat=1", command=command(tasks))
    report = soak(here, links, tasks, options, faults=faults, slope=None)
    assert report.faults == []
    assert report.figures["accepted"] == 8_000


def test_the_plan_has_every_fault_and_leaves_the_bridge_alone_when_it_is_measured() -> None:
    """30 faults: all kinds, and the bridge is killed within the first five minutes only."""
    planned = plan(30, Random(1), (*KILLS, *LINK_FAULTS))
    assert len(planned) == 30
    assert set(planned) == {*KILLS, *LINK_FAULTS}
    assert "kill bridge" in planned[:5]
    assert "kill bridge" not in planned[5:]


def test_the_slope_is_that_of_the_line_through_the_spans() -> None:
    """3 MiB in half an hour, unevenly; what does not change has none."""
    spans = [Span(60.0 * minute, (100 + minute // 10) * MIB) for minute in range(31)]
    assert slope_mib_per_hour(spans) == pytest.approx(6.0, rel=0.2)
    assert slope_mib_per_hour([Span(60.0 * minute, MIB) for minute in range(31)]) == pytest.approx(0)


def test_what_comes_and_goes_has_not_grown() -> None:
    """Only what never comes back to where it was has."""
    assert not grown([Span(0, threads=Counter([count])) for count in (3, 5, 3, 4, 3, 5)], "threads")
    assert grown([Span(0, threads=Counter([count])) for count in (3, 5, 3, 4, 4, 5)], "threads")
    assert not grown([Span(0, threads=Counter([count])) for count in (17, 15, 17, 17, 17, 17)], "threads")


def test_at_rest_is_what_most_looks_saw() -> None:
    """While a broker is down there are fewer connections, and while they are made anew more."""
    span = Span(0, descriptors=Counter({15: 20, 17: 900, 19: 3}), tasks=Counter({14: 5, 12: 5}))
    assert span.at_rest("descriptors") == 17
    assert span.at_rest("tasks") == 12
    assert span.at_rest("threads") == 0
