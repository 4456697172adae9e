"""The benchmark's table, and the bar it has to clear."""

import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from statistics import median

from tests.bench.contenders import Contender
from tests.bench.cost import load_average, machine
from tests.bench.drain import Drained
from tests.bench.load import Kind
from tests.servers.kafka import LIBS
from tests.servers.rabbitmq import RabbitServer

_COLUMNS = (
    "contender",
    "CPU us/event, min / median",
    "start-up, CPU s",
    "ratio to us",
    "events/s, best",
    "RabbitMQ us/event",
    "Kafka us/event",
    "peak RSS MiB",
)

_LIBRARIES = ("celery", "kombu", "amqp", "aiokafka", "orjson", "jsonschema-rs")


def head(rabbitmq: RabbitServer) -> list[str]:
    """Machine, versions, date and command, as lines."""
    return [
        *environment(),
        f"servers: RabbitMQ {rabbitmq.ctl('version').strip()}, Kafka {_kafka()}, {_java()}",
    ]


def environment() -> list[str]:
    """What every benchmark says of itself: date, command, machine, versions."""
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return [
        f"date: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, load average {load_average()}",
        f"command: {shlex.join(['python', '-m', _module(), *sys.argv[1:]])}",
        f"machine: {machine()}",
        f"versions: Python {sys.version.split()[0]}, {libraries}",
    ]


def _module() -> str:
    spec = sys.modules["__main__"].__spec__
    return spec.name.removesuffix(".__main__") if spec else sys.argv[0]


def _kafka() -> str:
    (jar,) = LIBS.glob("kafka-clients-*.jar")
    return jar.stem.removeprefix("kafka-clients-")


def _java() -> str:
    done = subprocess.run(["java", "-version"], capture_output=True, text=True, check=True)
    return done.stderr.splitlines()[0].replace('"', "")


def table(results: Mapping[Contender, Sequence[Drained]]) -> list[str]:
    """One row per contender, in Markdown; who lost events has no figure."""
    ours = [min(run.cpu_us for run in runs) for one, runs in results.items() if one.ours and _kept(runs)]
    rows = [_COLUMNS, tuple("---" for _ in _COLUMNS)]
    rows += [(one.name, *_figures(runs, min(ours, default=None))) for one, runs in results.items()]
    return ["| " + " | ".join(row) + " |" for row in rows]


def _kept(runs: Sequence[Drained]) -> bool:
    return bool(runs) and not any(run.lost for run in runs)


def _figures(runs: Sequence[Drained], ours: float | None) -> tuple[str, ...]:
    if not _kept(runs):
        return tuple("lost events" for _ in _COLUMNS[1:])
    least = min(run.cpu_us for run in runs)
    return (
        f"{least:.1f} / {median(run.cpu_us for run in runs):.1f}",
        f"{median(run.start_seconds for run in runs):.2f}",
        "" if ours is None else f"{least / ours:.1f}",
        f"{max(run.per_second for run in runs):,.0f}",
        f"{median(run.rabbitmq_us for run in runs):.1f}",
        f"{median(run.kafka_us for run in runs):.1f}",
        f"{max(run.peak_rss_mib for run in runs):.0f}",
    )


RATIO = 3.0
"""On the mix of lists the script has to take so many times our CPU per event, at least."""


def verdict(kind: Kind, results: Mapping[Contender, Sequence[Drained]]) -> tuple[str, bool]:
    """The bar in words and whether it is cleared; medians are compared. On `single` there is none."""
    if kind != "mix":
        return "no bar on this load", True
    if not all(_kept(runs) for runs in results.values()):
        return "bar: no figure, because events were lost", False
    medians = {one: median(run.cpu_us for run in runs) for one, runs in results.items()}
    ours = min(value for one, value in medians.items() if one.ours)
    rivals = [value for one, value in medians.items() if not one.ours]
    if not rivals:
        return "no rival took part", True
    ratio = min(rivals) / ours
    said = "cleared" if ratio >= RATIO else "MISSED"
    return (
        f"bar: at least {RATIO:g} times less CPU per event than the script: {ratio:.1f} times: {said}",
        ratio >= RATIO,
    )
