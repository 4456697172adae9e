"""Half an hour of load with a random fault each minute: nothing is lost, and what the bridge holds does not grow."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from tests.e2e.bridge_process import BridgeProcess
from tests.torture.ledger import Publishing
from tests.torture.network import Link, Links, Network
from tests.torture.report import Report
from tests.torture.scene import PATIENCE_SECONDS, Scene, servers
from tests.torture.vitals import MIB, Vitals, grown, slope_mib_per_hour, told

NAME = "soak"
EVENTS, TIMES, RATE = 5_400_000, 30, 3_000
"""A fault each minute."""

SLOPE_MIB_PER_HOUR = 2.0
SETTLED = 1 / 3
"""From this share of the events on it is measured whether memory grows: 10 minutes."""
_BRIDGE_KILLS = 1 / 6
"""The bridge itself is killed before this share only: what is measured is one process, with all the tasks it keeps."""
_HELD = 0.4
"""Share of a minute that a link stays frozen or slow."""
MOST_REPEATS = {"quorum": 1.0, "stream": 0.0}
_SLOW = {"latency_seconds": 0.05, "bytes_per_second": 1_500_000}
"""Somewhat more than the load needs."""
_READ_SECONDS = 5.0
_POLL_SECONDS = 0.2

KILLS = ("kill bridge", "kill kafka", "kill rabbitmq")
LINK_FAULTS = ("freeze rabbitmq", "freeze kafka", "reset rabbitmq", "reset kafka", "slow rabbitmq", "slow kafka")


class Soak:
    """
    Args:
        scene: of bridges started by `command`.
        tasks: the file of that command.
        minute: seconds from one fault to the next.
    """

    def __init__(self, scene: Scene, links: Links, tasks: Path, minute: float) -> None:
        self._scene = scene
        self._links = links
        self._tasks = tasks
        self._held_seconds = _HELD * minute
        self._rest_seconds = minute / 2
        self.process: BridgeProcess = scene.bridge(started=True)
        self.vitals = Vitals(self.process, tasks)
        self._read_at = time.monotonic()

    def wait(self, holds: Callable[[], bool], what: str, within: float) -> None:
        """
        Look at everything until that is so.

        Raises:
            AssertionError: it is not in time, or the bridge ended.
        """
        deadline = time.monotonic() + within
        while not holds():
            assert time.monotonic() < deadline, f"waited for {what} in vain"
            self.process.assert_running()
            self.vitals.look()
            if time.monotonic() - self._read_at > _READ_SECONDS:
                self._scene.reader.look()
                self._read_at = time.monotonic()
            time.sleep(_POLL_SECONDS)

    def do(self, fault: str) -> None:
        """One of KILLS and LINK_FAULTS, from its beginning to its end."""
        what, whom = fault.split()
        if what == "kill":
            {"bridge": self._kill_bridge, "kafka": self._kill_kafka, "rabbitmq": self._kill_rabbitmq}[whom]()
            return
        link = self._links.kafka if whom == "kafka" else self._links.to_rabbitmq(self._scene.queue_type)
        if what == "reset":
            link.reset()
        else:
            self._hold(link, lambda: link.freeze() if what == "freeze" else link.slow(**_SLOW))

    def rest(self) -> None:
        """
        Look on for half a minute. The last fault may have ended seconds before the last event, and the bridge gives
        memory back four times a minute.
        """
        until = time.monotonic() + self._rest_seconds
        self.wait(lambda: time.monotonic() >= until, "rest", self._rest_seconds + PATIENCE_SECONDS)

    def _hold(self, link: Link, begin: Callable[[], None]) -> None:
        until = time.monotonic() + self._held_seconds
        begin()
        try:
            self.wait(lambda: time.monotonic() >= until, "the end of a fault", self._held_seconds + PATIENCE_SECONDS)
        finally:
            link.heal()

    def _kill_bridge(self) -> None:
        self.process.kill()
        self._tasks.unlink(missing_ok=True)
        self.process = self._scene.bridge()
        self.vitals = Vitals(self.process, self._tasks)
        self.wait(self._tasks.exists, "the next bridge", PATIENCE_SECONDS)

    def _kill_kafka(self) -> None:
        self._scene.kafka.kill()
        self._scene.kafka.start(wait=False)
        self._read_at = float("inf")  # not before it answers
        self.wait(self._scene.kafka.answers, "Kafka", PATIENCE_SECONDS)
        self._read_at = time.monotonic()

    def _kill_rabbitmq(self) -> None:
        self._scene.rabbitmq.kill()
        self._scene.rabbitmq.start(wait=False)
        self.wait(self._scene.rabbitmq.answers, "RabbitMQ", PATIENCE_SECONDS)


def plan(times: int, dice: Random, faults: Sequence[str]) -> list[str]:
    """So many faults, each kind before any comes again; those of the bridge in the first sixth, at least one."""
    early = max(1, int(times * _BRIDGE_KILLS))
    others = [fault for fault in faults if fault != "kill bridge"]
    found: list[str] = []
    while len(found) < times:
        found += dice.sample(others, len(others))
    if "kill bridge" in faults:
        found.insert(dice.randrange(early), "kill bridge")
    return found[:times]


def soak(
    scene: Scene,
    links: Links,
    tasks: Path,
    options: argparse.Namespace,
    *,
    faults: Sequence[str] = (*KILLS, *LINK_FAULTS),
    slope: float | None = SLOPE_MIB_PER_HOUR,
) -> Report:
    """
    Faults while events are published and read.

    Args:
        options: events, times, rate, seed.
        slope: that memory may grow by, in MiB an hour; None: what grows is only told, as within seconds much does.
    """
    report, dice, share = Report(f"{NAME} {scene.queue_type}"), Random(options.seed), options.events / options.times
    planned, settled = plan(options.times, dice, faults), 0.0
    soaking = Soak(scene, links, tasks, share / options.rate)
    with scene.publishing(options.events, options.rate) as publishing:
        for number, fault in enumerate(planned):
            soaking.vitals.begin()
            if not settled and publishing.look() >= SETTLED * options.events:
                settled = soaking.vitals.spans[-1].began
            come(soaking, publishing, int(share * (number + 0.5 * dice.random())))
            soaking.do(fault)
        soaking.vitals.begin()
        come(soaking, publishing, options.events)
        soaking.rest()
        scene.complete(publishing, soaking.process.assert_running)
    report.figures["faults"] = ", ".join(f"{fault} {planned.count(fault)}" for fault in sorted(set(planned)))
    judge(report, soaking.vitals, settled, slope)
    report.stop(soaking.process)
    report.account(scene, publishing, repeats=MOST_REPEATS[scene.queue_type])
    report.fault_if(scene.reader.seen.gaps, f"gaps: {scene.reader.seen.gaps[:3]}")
    return report


def come(soaking: Soak, publishing: Publishing, events: int) -> None:
    """Until so many are accepted."""
    soaking.wait(lambda: publishing.look() >= events, f"{events} accepted", PATIENCE_SECONDS + 600)


def judge(report: Report, vitals: Vitals, settled: float, slope: float | None) -> None:
    """What the last process held at rest from `settled` on."""
    spans = vitals.since(settled)
    grows = slope_mib_per_hour(spans)
    report.figures |= {
        "resident at rest": f"{' '.join(f'{span.resident_bytes / MIB:.1f}' for span in spans)} MiB",
        "at most": f"{vitals.most_resident_bytes / MIB:.1f} MiB",
        "slope": f"{grows:+.2f} MiB/h over {(spans[-1].began - spans[0].began) / 60:.1f} min",
    }
    report.fault_if(slope is not None and grows > slope, f"memory grows by {grows:.2f} MiB/h")
    for name in ("descriptors", "threads", "tasks"):
        report.figures[f"{name} at rest"] = told(spans, name)
        counts = [span.at_rest(name) for span in spans]
        report.fault_if(0 in counts, f"{name} were not counted")
        report.fault_if(slope is not None and grown(spans, name), f"{name} grow: {counts}")


def command(tasks: Path) -> tuple[str, ...]:
    """The bridge that writes down its tasks there."""
    return (sys.executable, "-P", str(Path(__file__).with_name("watched.py")), str(tasks))


def run(options: argparse.Namespace) -> bool:
    """With servers of its own; one queue type after the other."""
    held = []
    for queue_type in options.queue_types:
        with (
            servers(listeners={"PROXIED": "PLAINTEXT"}, proxied=["PROXIED"]) as (kafka, rabbitmq, folder),
            Network() as network,
        ):
            links, tasks = Links.between(network, kafka, rabbitmq), folder / "tasks.txt"
            with Scene(kafka, rabbitmq, folder, queue_type, ports=links.ports, command=command(tasks)) as scene:
                held.append(soak(scene, links, tasks, options).show())
    return all(held)
