"""The link to Redis, frozen and half-open for long, and merely bad: what is lost meanwhile lies inside gaps."""

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.e2e.bridge_process import BridgeProcess
from tests.servers.redis import RedisServer
from tests.torture.links import BAD, FROZEN, HALF_OPEN, SECONDS, UNHEARD, WAYS, Watched, hold
from tests.torture.network import Link, Network
from tests.torture.redis_kill import Tail, account
from tests.torture.report import Report
from tests.torture.workers import Simulated

NAME = "redis-links"
EVENTS, TIMES, RATE = 0, 5, 0
"""As many events as it takes."""

WITHIN_SECONDS = 15.0
BAD_EVENTS = 2_000
_PAUSE_SECONDS = 0.02
"""Of each worker: some 150 events a second."""


def break_redis(
    server: RedisServer, link: Link, folder: Path, times: int, seconds: float, bad_events: int, parameters: str = ""
) -> Report:
    """So many times broken for so long, then unheard and in every way bad for so many events."""
    report = Report(NAME)
    workers = [Simulated(number, server.port, pause_seconds=_PAUSE_SECONDS) for number in (1, 2)]
    tail = Tail(folder / "records.jsonl")
    url = f"redis://127.0.0.1:{link.port}/0{parameters}"
    process = BridgeProcess(folder, "run", "--from", url, "--to", f"file:{folder / 'records.jsonl'}")
    try:
        process.wait_for("chain started")
        with ExitStack() as working:
            for worker in workers:
                working.enter_context(worker.working())
            come(tail, bad_events, process)
            break_it(report, link, tail, process, times, seconds)
            for way in (UNHEARD, *BAD):
                link.freeze(**WAYS[way]) if way in WAYS else link.slow(**BAD[way])
                come(tail, bad_events, process)
                link.heal()
        last = {max(worker.accepted) for worker in workers}  # the heartbeats that confirm what was lost
        tail.wait(lambda: last <= tail.clocks, "the last heartbeats", process)
        report.stop(process)
        tail.look()
    finally:
        process.kill()
    account(report, workers, tail, times, process.summary()["events_lost_estimate"], what="breaks")
    report.fault_if(tail.repeats, f"{tail.repeats} repeated")
    return report


def break_it(report: Report, link: Link, tail: Tail, process: BridgeProcess, times: int, seconds: float) -> None:
    """So many times, frozen and half-open in turn."""
    one = Watched("Redis", link, "broker connection lost", {FROZEN: WITHIN_SECONDS, HALF_OPEN: WITHIN_SECONDS})
    told = []
    for number in range(times):
        way = (FROZEN, HALF_OPEN)[number % 2]
        noticed = hold(one, process, way, seconds)
        report.fault_if(noticed > one.within[way], f"{way}: noticed after {noticed:.1f} s")
        told.append(f"{way} {noticed:.1f}")
        tail.wait(lambda number=number: len(tail.gaps) > number, f"gap {number + 1}", process)  # type: ignore[misc]
    report.figures["noticed after"] = f"{', '.join(told)} s"


def come(tail: Tail, events: int, process: BridgeProcess) -> None:
    """Until so many more events are there."""
    wanted = tail.look() + events
    tail.wait(lambda: len(tail.clocks) >= wanted, f"{wanted} events", process)


def run(options: argparse.Namespace) -> bool:
    """With a server of its own."""
    with (
        RedisServer() as server,
        Network() as network,
        tempfile.TemporaryDirectory(prefix="bridge-torture-") as folder,
    ):
        link = network.link(server.port)
        return break_redis(server, link, Path(folder), options.times, SECONDS, BAD_EVENTS).show()
