"""SIGTERM under load, again and again: each time the bridge ends with 0, soon, and nothing is lost or repeated."""

import argparse
from random import Random

from tests.torture.report import Report, each_queue_type
from tests.torture.scene import PATIENCE_SECONDS, Scene

NAME = "stop"
EVENTS, TIMES, RATE = 500_000, 100, 5_000

WITHIN_SECONDS = 10.0


def stop(scene: Scene, events: int, times: int, rate: int, seed: int, *, within: float = WITHIN_SECONDS) -> Report:
    """So many stops while so many events are published and read; the ledger's account, and the longest stop."""
    report, moments, share = Report(f"{NAME} {scene.queue_type}"), Random(seed), events / times
    process, longest, delivered = scene.bridge(started=True), 0.0, 0
    with scene.publishing(events, rate) as publishing:
        for number in range(times):
            aim = int(share * (number + moments.random()))
            scene.reader.wait(aim, PATIENCE_SECONDS, process.assert_running)
            longest = max(longest, report.stop(process, within))
            delivered += process.summary()["delivered"]
            process = scene.bridge(started=True)
        scene.complete(publishing, process.assert_running)
    report.stop(process, within)
    delivered += process.summary()["delivered"]
    report.figures |= {"stops": times + 1, "longest": f"{longest:.1f} s", "said to be delivered": delivered}
    report.account(scene, publishing, repeats=0.0)
    report.fault_if(delivered != len(publishing.accepted), "the summaries do not add up to what was accepted")
    report.fault_if(scene.reader.seen.gaps, f"gaps: {scene.reader.seen.gaps[:3]}")
    return report


def run(options: argparse.Namespace) -> bool:
    """With servers of its own; one queue type after the other."""
    return each_queue_type(
        options.queue_types, lambda scene: stop(scene, options.events, options.times, options.rate, options.seed)
    )
