"""Links of a bridge under load that are frozen or half-open for long, and links that are merely bad."""

import argparse
import time
from collections.abc import Mapping
from dataclasses import dataclass

from tests.e2e.bridge_process import BridgeProcess
from tests.torture.ledger import Publishing
from tests.torture.network import Link, Links, Network
from tests.torture.report import Report
from tests.torture.scene import PATIENCE_SECONDS, Scene, servers

NAME = "links"
EVENTS, TIMES, RATE = 0, 5, 1_000
"""As many events as it takes."""

SECONDS = 60.0
"""How long a link is broken."""

FROZEN, HALF_OPEN, UNHEARD = "frozen", "half-open", "unheard"
WAYS: Mapping[str, Mapping[str, bool]] = {FROZEN: {}, HALF_OPEN: {"requests": False}, UNHEARD: {"answers": False}}
"""How it is broken: nothing passes; nothing reaches the bridge; nothing that the bridge says is heard."""

# Whom nobody hears hears everybody: RabbitMQ sends on, and has to notice itself. It looks once per interval of 10 s,
# and leaves when nothing came between three looks (rabbit_heartbeat.erl): 20 to 30 s.
_UNHEARD_BY_RABBITMQ = 31.0
_MOST_SECONDS = 100.0
"""What was not noticed by then is not noticed."""
_POLL_SECONDS = 0.05

BAD: Mapping[str, Mapping[str, float]] = {
    "sliced": {"slice_bytes": 64},
    "late": {"latency_seconds": 0.1},
    "narrow": {"bytes_per_second": 200_000},
}
"""How a link is bad, in turn."""
BAD_EVENTS = 10_000
"""That have to come through each bad link."""

MOST_REPEATS = {"quorum": 1.0, "stream": 0.0}
"""What was delivered and not settled over a broken connection comes again, of a quorum queue."""


@dataclass(frozen=True)
class Watched:
    """A link, what the bridge says when it is broken, and within how many seconds it has to, by the way."""

    name: str
    link: Link
    phrase: str
    within: Mapping[str, float]


def watched(links: Links, queue_type: str) -> list[Watched]:
    """Both links of a bridge."""
    lost = "broker connection lost"
    by_heartbeat = {FROZEN: 20.0, HALF_OPEN: 20.0, UNHEARD: _UNHEARD_BY_RABBITMQ}
    name = "streams" if queue_type == "stream" else "AMQP"
    return [
        Watched(name, links.to_rabbitmq(queue_type), lost, by_heartbeat),
        Watched("Kafka", links.kafka, "waiting for kafka", dict.fromkeys(WAYS, 60.0)),
    ]


def break_links(scene: Scene, links: list[Watched], times: int, rate: int, seconds: float, bad_events: int) -> Report:
    """
    Each link frozen and half-open in turn so many times for so long, and once unheard (no short run has the time), then
    each in every way bad for so many events.
    """
    report, process = Report(f"{NAME} {scene.queue_type}"), scene.bridge(started=True)
    ways = [(FROZEN, HALF_OPEN)[number % 2] for number in range(times)] + [UNHEARD] * (times > 2)
    with scene.publishing(1_000_000_000, rate) as publishing:
        scene.reader.wait(rate, PATIENCE_SECONDS, process.assert_running)
        for one in links:
            took = []
            for way in ways:
                took.append(noticed := hold(one, process, way, seconds))
                report.fault_if(noticed > one.within[way], f"{one.name} {way}: noticed after {noticed:.1f} s")
                catch_up(scene, publishing, process)
            told = ", ".join(f"{way} {noticed:.1f}" for way, noticed in zip(ways, took, strict=True))
            report.figures[f"{one.name} noticed after"] = f"{told} s"
        for one in links:
            for way in BAD:
                make_bad(scene, one.link, way, process, bad_events)
                catch_up(scene, publishing, process)
        publishing.end()
        scene.complete(publishing, process.assert_running)
    report.figures |= {f"connections to {one.name}": one.link.accepted for one in links}
    report.stop(process)
    report.account(scene, publishing, repeats=MOST_REPEATS[scene.queue_type])
    report.fault_if(scene.reader.seen.gaps, f"gaps: {scene.reader.seen.gaps[:3]}")
    return report


def hold(one: Watched, process: BridgeProcess, way: str, seconds: float) -> float:
    """
    Break a link, for so long and at least until the bridge says so. Returns after how many seconds it did, infinite
    when it did not.

    Raises:
        AssertionError: the bridge ended.
    """
    before, began, noticed = len(process.said(one.phrase)), time.monotonic(), float("inf")
    one.link.freeze(**WAYS[way])
    try:
        while (now := time.monotonic() - began) < seconds or now < min(noticed, _MOST_SECONDS):
            process.assert_running()
            if noticed > now and len(process.said(one.phrase)) > before:
                noticed = now
            time.sleep(_POLL_SECONDS)
    finally:
        one.link.heal()
    return noticed


def make_bad(scene: Scene, link: Link, way: str, process: BridgeProcess, events: int) -> None:
    """
    Until so many events have come over it, and it is well again.

    Raises:
        AssertionError: they do not come.
    """
    link.slow(**BAD[way])
    try:
        scene.reader.wait(scene.reader.look() + events, PATIENCE_SECONDS, process.assert_running)
    finally:
        link.heal()


def catch_up(scene: Scene, publishing: Publishing, process: BridgeProcess) -> None:
    """
    Until all that is accepted now was read.

    Raises:
        AssertionError: it is not in time.
    """
    scene.reader.wait(publishing.look(), PATIENCE_SECONDS, process.assert_running)


def run(options: argparse.Namespace) -> bool:
    """With servers of its own; one queue type after the other."""
    held = []
    for queue_type in options.queue_types:
        with (
            servers(listeners={"PROXIED": "PLAINTEXT"}, proxied=["PROXIED"]) as (kafka, rabbitmq, folder),
            Network() as network,
        ):
            links = Links.between(network, kafka, rabbitmq)
            with Scene(kafka, rabbitmq, folder, queue_type, ports=links.ports) as scene:
                both = watched(links, queue_type)
                held.append(break_links(scene, both, options.times, options.rate, SECONDS, BAD_EVENTS).show())
    return all(held)
