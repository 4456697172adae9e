"""Kafka and RabbitMQ killed under load, again and again, beneath one bridge that never ends."""

import argparse
from random import Random

from tests.torture.report import Report, each_queue_type
from tests.torture.scene import PATIENCE_SECONDS, Scene

NAME = "outages"
EVENTS, TIMES, RATE = 500_000, 30, 5_000
"""Of the outages one in three is RabbitMQ's."""

# An outage of Kafka leaves what it had written and not confirmed, and one of RabbitMQ what was not settled: of a
# quorum queue both come again.
MOST_REPEATS = {"quorum": 1.0, "stream": 0.0}


def outages(scene: Scene, events: int, times: int, rate: int, seed: int) -> Report:
    """So many outages, each a kill -9 and a start, while so many events are published and read."""
    report, moments, share = Report(f"{NAME} {scene.queue_type}"), Random(seed), events / times
    process = scene.bridge(started=True)
    with scene.publishing(events, rate) as publishing:
        for number in range(times):
            aim = int(share * (number + moments.random()))
            scene.reader.wait(aim, PATIENCE_SECONDS, process.assert_running)
            server = scene.rabbitmq if number % 3 == 1 else scene.kafka
            server.kill()
            process.assert_running()
            server.start()
        scene.complete(publishing, process.assert_running)
    report.figures |= {
        "outages": times,
        "connections to RabbitMQ": len(process.said("broker connected")),
        "waits for Kafka": len(process.said("waiting for kafka")),
    }
    report.stop(process)
    report.account(scene, publishing, repeats=MOST_REPEATS[scene.queue_type])
    report.fault_if(scene.reader.seen.gaps, f"gaps: {scene.reader.seen.gaps[:3]}")
    return report


def run(options: argparse.Namespace) -> bool:
    """With servers of its own; one queue type after the other."""
    return each_queue_type(
        options.queue_types, lambda scene: outages(scene, options.events, options.times, options.rate, options.seed)
    )
