"""Whatever the deliveries: looking at a glance where that is enough gives what the careful way gives."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model import Delivery, Gap
from bridge.pipeline import Pipeline
from tests.captures import FILES, deliveries
from tests.property.test_state import traces
from tests.unit.making import RECEIVED_AT, pipeline

CAREFUL = 10**9
"""With a limit, however large, nothing is done at a glance."""

NASTY = json.loads((Path(__file__).parents[1] / "data" / "nasty-bodies.json").read_text())

odd = st.sampled_from([one["body"].encode() for one in NASTY if "body" in one])
changes = st.sampled_from(
    [{}, {"uuid": 5}, {"clock": 2**70}, {"pid": None}, {"x": 2**64}, {"x": [[1]]}, {"timestamp": 1e18}, {"type": "a-b"}]
)


@st.composite
def streams(draw: st.DrawFn) -> list[Delivery | Gap]:
    """Events of a trace, some of them changed, alone and in lists, between messages of any kind and gaps."""
    items: list[Delivery | Gap] = []
    trace = [{**one, **draw(changes)} for one in draw(traces())]
    while trace:
        count = draw(st.integers(0, 3))
        taken, trace = trace[: max(1, count)], trace[max(1, count) :]
        text = json.dumps(taken if count else taken[0]).encode()
        items.append(Delivery(text, "application/json", "utf-8", received_at=RECEIVED_AT, position=b"%d" % len(items)))
        if draw(st.integers(0, 9)) == 0:
            items.append(Delivery(draw(odd), received_at=RECEIVED_AT))
        if draw(st.integers(0, 9)) == 0:
            items.append(Gap("disconnected", 1.0, 2.0))
    return items


def outcome(made: Pipeline, items: list[Delivery | Gap]) -> tuple[Any, ...]:
    """Records, accounts and position of all sends that the items become."""
    records, tallies, positions, gaps, settled = [], [], [], 0, []
    while items:
        batch = made.transform(items)
        records += [record.value for record in batch.records]
        tallies.append(batch.tally)
        positions.append(batch.position)
        settled += batch.deliveries
        gaps += batch.gaps
        items = items[batch.taken :]
    return records, tallies, positions, gaps, settled


@settings(max_examples=300)
@given(streams())
def test_quick_and_careful_agree(items: list[Delivery | Gap]) -> None:
    """The same records, in the same order, and the same accounts."""
    assert outcome(pipeline(), items) == outcome(pipeline(limit=CAREFUL), items)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_quick_and_careful_agree_on_what_was_captured(path: Any) -> None:
    """Over everything that real workers sent."""
    items: list[Delivery | Gap] = [delivery for _, delivery in deliveries(path)]
    assert outcome(pipeline(), items) == outcome(pipeline(limit=CAREFUL), items)
