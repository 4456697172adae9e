"""What `bridge.loss` finds is what a simulated cluster lost."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.clock import iso_ms
from bridge.enrich import enrich
from bridge.loss import Losses
from bridge.model import Delivery, Event
from bridge.state import ClusterState

INTERVALS = 60


@st.composite
def clusters(draw: st.DrawFn) -> tuple[list[int], list[tuple[float, float]], int]:
    """Tasks per interval of each of 1..4 workers, outages as parts of the time, and how many events a task makes."""
    rates = draw(st.lists(st.integers(5, 40), min_size=1, max_size=4))
    edges = sorted(draw(st.lists(st.floats(0.1, 0.85), max_size=8, unique=True)))
    outages = list(zip(edges[::2], edges[1::2], strict=False))
    return rates, outages, draw(st.integers(2, 4))


def sent(rates: list[int], events_per_task: int) -> list[dict[str, Any]]:
    """What the workers send, by time: in each interval every worker's tasks, then its heartbeat."""
    kinds = ["task-received", "task-started", "task-succeeded", "task-progress"][4 - events_per_task :]
    kinds = kinds if "task-started" in kinds else ["task-started", *kinds[1:]]
    events = []
    for interval in range(INTERVALS):
        for worker, rate in enumerate(rates):
            base = {"hostname": f"w{worker}", "pid": 100 + worker, "utcoffset": 0}
            for task in range(rate):
                at = interval + task / (rate + 1)
                known = {**base, "uuid": f"{worker}-{interval}-{task}", "timestamp": at, "runtime": 0.1, "name": "t"}
                events += [{**known, "type": kind} for kind in kinds]
            processed = rate * (interval + 1)
            events.append({**base, "type": "worker-heartbeat", "timestamp": interval + 1, "processed": processed})
    return sorted(events, key=lambda event: event["timestamp"])


@given(clusters())
def test_what_outages_took_is_found(cluster: tuple[list[int], list[tuple[float, float]], int]) -> None:
    """
    The starts exactly, of workers that reported before the first outage; the events within what a heartbeat more or
    less in an outage makes.
    """
    rates, outages, events_per_task = cluster
    state, losses, received, lost_starts, lost = ClusterState(), Losses(), 0, 0, 0
    for number, fields in enumerate(sent(rates, events_per_task)):
        if any(begin * INTERVALS <= fields["timestamp"] < end * INTERVALS for begin, end in outages):
            lost += 1
            lost_starts += fields["type"] == "task-started"
            continue
        received += 1
        event = Event(fields["type"], fields, Delivery(b""), None)
        enrich(event, f"{number:029x}000", iso_ms(fields["timestamp"]), state, losses)
    assert losses.starts == lost_starts
    estimate = losses.events(received, state.starts)
    edges = (len(outages) + 1) * len(rates) * (1 + events_per_task)
    assert abs(estimate - lost) <= edges + 0.02 * lost
