"""kill -9 of the bridge, again and again, at random moments of its life and of its start."""

import argparse
import time
from random import Random

from tests.torture.report import Report, each_queue_type
from tests.torture.scene import PATIENCE_SECONDS, Scene

NAME = "kill"
EVENTS, TIMES, RATE = 1_000_000, 50, 12_000

MOST_REPEATS = {"quorum": 0.005, "stream": 0.0}
"""Share of the events that a kill may have in the topic twice."""

_AT_START = 0.2
"""Share of the kills that come before the bridge has done anything, or just then."""
_START_SECONDS = 1.2


def kill(scene: Scene, events: int, times: int, rate: int, seed: int, *, repeats: float | None = None) -> Report:
    """So many kills while so many events are published and read; the ledger's account of them."""
    report, moments, share = Report(f"{NAME} {scene.queue_type}"), Random(seed), events / times
    process = scene.bridge(started=True)
    with scene.publishing(events, rate) as publishing:
        for number in range(times):
            if moments.random() < _AT_START:
                time.sleep(moments.uniform(0, _START_SECONDS))
            else:
                aim = int(share * (number + moments.random()))
                scene.reader.wait(aim, PATIENCE_SECONDS, process.assert_running)
            process.assert_running()
            process.kill()
            process = scene.bridge()
        scene.complete(publishing, process.assert_running)
    report.figures["kills"] = times
    process.wait_for("chain started", within=PATIENCE_SECONDS)  # a signal to an interpreter that starts just ends it
    report.stop(process)
    report.account(scene, publishing, repeats=MOST_REPEATS[scene.queue_type] if repeats is None else repeats)
    report.fault_if(scene.reader.seen.gaps, f"gaps: {scene.reader.seen.gaps[:3]}")
    return report


def run(options: argparse.Namespace) -> bool:
    """With servers of its own; one queue type after the other."""
    return each_queue_type(
        options.queue_types, lambda scene: kill(scene, options.events, options.times, options.rate, options.seed)
    )
