"""
`make bench-start`: CPU from the start of `celery-bridge run` until Kafka holds the first record, and of `--help`.

One event waits in a quorum queue; each run is a new process with a topic of its own. User and system time, all threads,
the least and the median of some runs: the first one, which compiles modules, is not counted. Exits with 1 when a bar is
missed.
"""

import argparse
import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from statistics import median

from tests.bench.__main__ import CONTENDERS, servers
from tests.bench.backlog import declare, fill
from tests.bench.contenders import Contender
from tests.bench.contenders.bridge import KOMBU, QUORUM, STREAM, installed
from tests.bench.cost import cpu_seconds
from tests.bench.drain import CHECKOUT, Servers
from tests.bench.load import messages
from tests.bench.report import environment
from tests.bench.topic import Topic
from tests.servers.kafka import fetch
from tests.servers.kafka import why_not as kafka_why_not
from tests.servers.process import ServerProcess, sweep
from tests.servers.rabbitmq import why_not as rabbitmq_why_not

HELP_BAR_SECONDS = 0.3
RECORD_BAR_SECONDS = 0.6

_LOOK_SECONDS = 0.01
_WITHIN_SECONDS = 60


def main() -> int:
    """Parse, measure, print; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.start", description="CPU of a start")
    parser.add_argument("--runs", type=int, default=7, help="counted ones (default: %(default)s)")
    options = parser.parse_args()
    print(*environment(), "", sep="\n")
    cleared = [_said("celery-bridge --help", HELP_BAR_SECONDS, [_help() for _ in range(options.runs + 1)])]
    reason = rabbitmq_why_not() or kafka_why_not()
    if reason:
        print(f"no start with servers: {reason}")
        return 1
    sweep()
    fetch()
    ours = [one for one in CONTENDERS if one in (QUORUM, STREAM, KOMBU) and not one.why_not()]
    with servers() as running:
        for one in ours:
            found = [asyncio.run(_first_record(one, running)) for _ in range(options.runs + 1)]
            said = _said(f"{one.name}: start to first record", RECORD_BAR_SECONDS, found)
            cleared.append(said or one.key == "kombu")  # of our own readers; kombu alone is 0.1 s of imports
    return 0 if all(cleared) else 1


def _help() -> float:
    with subprocess.Popen(installed("--help"), stdout=subprocess.DEVNULL, cwd=CHECKOUT) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return used.ru_utime + used.ru_stime


async def _first_record(contender: Contender, running: Servers) -> float:
    declare(running.rabbitmq, contender)
    fill(running.rabbitmq, messages("single", 1))
    log = running.kafka.folder / "contender.log"
    try:
        async with Topic(running.kafka.bootstrap) as topic:
            command = contender.command(running.ends(contender, topic.name))
            process = ServerProcess(command, log=log, cwd=CHECKOUT)
            process.start()
            try:
                async with asyncio.timeout(_WITHIN_SECONDS):
                    while not await topic.count():  # noqa: ASYNC110 - a server sets no asyncio.Event
                        await asyncio.sleep(_LOOK_SECONDS)
                return cpu_seconds(process.pid or 0)
            finally:
                process.stop()
    finally:
        running.rabbitmq.delete(contender.queue)


def _said(what: str, bar: float, seconds: Sequence[float]) -> bool:
    counted = seconds[1:]
    cleared = median(counted) <= bar
    figures = f"{min(counted):.2f} / {median(counted):.2f} s of CPU"
    print(f"{what}: {figures}; bar: at most {bar:g}: {'cleared' if cleared else 'MISSED'}", flush=True)
    return cleared


if __name__ == "__main__":
    sys.exit(main())
