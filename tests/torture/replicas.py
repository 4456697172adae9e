"""Two bridges of one group: the one that reads killed, both stopped and started again in turn, again and again."""

import argparse
import time
from random import Random
from statistics import median

from tests.e2e.bridge_process import BridgeProcess
from tests.torture.ledger import Publishing
from tests.torture.report import Report, each_queue_type
from tests.torture.scene import PATIENCE_SECONDS, Scene

NAME = "replicas"
EVENTS, TIMES, RATE = 600_000, 20, 3_000
"""Of the times one in two is a kill -9 of the one that reads, the other a rolling restart of both."""

WITHIN_SECONDS = 5.0
"""From the signal to the first event that only the other one can have read."""

# Killed, a bridge leaves what it had written and not settled: of a quorum queue it comes again.
MOST_REPEATS = {"quorum": 1.0, "stream": 0.0}

_EARLY = 0.8
"""Share of the events in which the faults are: the last takeover needs some too."""

_UNDER_WAY = 400
"""Events that may have been sent though the publisher's book does not say so yet: two of its blocks."""

_STANDS_BY = {"quorum": "chain started", "stream": "waiting for the active replica"}
"""What a second bridge says when it is ready to take over. Of a quorum queue nobody is told who reads."""


class Pair:
    """The replica that reads and the one that stands by: the first one began first, or took over."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.active = scene.bridge(started=True)
        self.standby = self._second()

    def _second(self) -> BridgeProcess:
        process = self._scene.bridge()
        process.wait_for(_STANDS_BY[self._scene.queue_type], within=PATIENCE_SECONDS)
        return process

    def swap(self, publishing: Publishing, report: Report, *, kill: bool) -> float:
        """End the active one and start it again; returns the seconds from the signal to the other one's first event."""
        began = time.monotonic()
        if kill:
            self.active.kill()
        else:
            report.stop(self.active)
        publishing.look()
        latest = max([0, *publishing.accepted, *publishing.unsure]) + _UNDER_WAY
        reader = self._scene.reader
        while reader.seen.latest <= latest:
            if publishing.look() >= publishing.events and reader.seen.latest >= max(publishing.accepted):
                break  # only in a run too short for its faults: nothing was left to be taken over
            self.standby.assert_running()
            assert time.monotonic() < began + PATIENCE_SECONDS, f"nobody took over: {self.standby.stderr[-1500:]}"
            reader.look()
        taken = time.monotonic() - began
        self.active, self.standby = self.standby, self._second()
        return taken


def replicas(scene: Scene, events: int, times: int, rate: int, seed: int, *, within: float = WITHIN_SECONDS) -> Report:
    """So many rolling restarts and kills while so many events are published and read; the ledger's account."""
    report, moments, share = Report(f"{NAME} {scene.queue_type}"), Random(seed), _EARLY * events / times
    pair, stops, kills = Pair(scene), [], []
    with scene.publishing(events, rate) as publishing:
        for number in range(times):
            aim = int(share * (number + moments.random()))
            scene.reader.wait(aim, PATIENCE_SECONDS, pair.active.assert_running)
            if number % 2 == 0:
                kills.append(pair.swap(publishing, report, kill=True))
            else:
                stops += [pair.swap(publishing, report, kill=False) for _ in range(2)]
        scene.complete(publishing, pair.active.assert_running)
    for process in (pair.standby, pair.active):
        report.stop(process)
    for signal, taken in (("kill -9", kills), ("SIGTERM", stops)):
        if taken:
            told = f"{len(taken)}, at most {max(taken):.1f} s, mostly {median(taken):.1f}"
            report.figures[f"takeovers after {signal}"] = told
    report.account(scene, publishing, repeats=MOST_REPEATS[scene.queue_type])
    report.fault_if(max(stops + kills) > within, f"a takeover took {max(stops + kills):.1f} s")
    report.fault_if(scene.reader.seen.gaps, f"gaps: {scene.reader.seen.gaps[:3]}")
    return report


def run(options: argparse.Namespace) -> bool:
    """With servers of its own; one queue type after the other."""
    return each_queue_type(
        options.queue_types, lambda scene: replicas(scene, options.events, options.times, options.rate, options.seed)
    )
