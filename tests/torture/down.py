"""Kafka down for long: events wait in the broker, the bridge stays small and connected, and catches up afterwards."""

import argparse
import time

from tests.torture.report import Report, each_queue_type
from tests.torture.scene import PATIENCE_SECONDS, Scene

NAME = "down"
EVENTS, TIMES, RATE = 1_500_000, 1, 5_000
"""300 s of events."""

GROWTH_MIB = 10.0
"""What resident memory may grow by, once the window is full."""
CATCH_UP_RATE = 20_000
"""Events a second, once Kafka is back."""
_FILLING = 0.2
"""Share of the events after which the window is full in any case."""
_POLL_SECONDS = 0.2
_MIB = 1024 * 1024


def down(scene: Scene, events: int, rate: int, *, growth_mib: float = GROWTH_MIB, catch_up: int = 0) -> Report:
    """Kafka is killed before the first event and comes back after the last one."""
    report, process = Report(f"{NAME} {scene.queue_type}"), scene.bridge(started=True)
    full, most = 0, 0
    with scene.publishing(events, rate) as publishing:
        scene.kafka.kill()
        killed = time.monotonic()
        while (accepted := publishing.look()) < events:
            process.assert_running()
            assert time.monotonic() < killed + 2 * events / rate + PATIENCE_SECONDS, f"only {accepted} accepted"
            memory = process.memory_bytes()
            if accepted < _FILLING * events:
                full = memory
            most = max(most, memory)
            time.sleep(_POLL_SECONDS)
        lasted = time.monotonic() - killed
        scene.kafka.start()
        back = time.monotonic()
        scene.topic.wait_for(events, within=PATIENCE_SECONDS + events / 1000, meanwhile=process.assert_running)
        caught_up = events / (time.monotonic() - back)
        scene.complete(publishing, process.assert_running)
    report.figures |= {
        "Kafka was down for": f"{lasted:.0f} s",
        "resident": f"{full / _MIB:.1f} MiB with a full window, at most {most / _MIB:.1f}",
        "caught up at": f"{caught_up:.0f} events/s",
        "connections to RabbitMQ": len(process.said("broker connected")),
    }
    report.fault_if(most - full > growth_mib * _MIB, f"memory grew by {(most - full) / _MIB:.1f} MiB")
    report.fault_if(caught_up < catch_up, f"caught up at {caught_up:.0f} events/s, {catch_up} are to be")
    report.fault_if(len(process.said("broker connected")) != 1, "the connection to RabbitMQ was lost")
    report.stop(process)
    report.account(scene, publishing, repeats=0.0)
    return report


def run(options: argparse.Namespace) -> bool:
    """With servers of its own; one queue type after the other."""
    return each_queue_type(
        options.queue_types, lambda scene: down(scene, options.events, options.rate, catch_up=CATCH_UP_RATE)
    )
