"""What a benchmark prints: where it ran, and the table."""

import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from statistics import median

from tests.bench.bars import kept
from tests.bench.contenders import Contender
from tests.bench.cost import load_average, machine
from tests.bench.drain import Drained
from tests.servers.kafka import LIBS
from tests.servers.rabbitmq import RabbitServer
from tests.servers.redis import RedisServer

_COLUMNS = (
    "contender",
    "CPU us/event, min / median",
    "ratio to us",
    "events/s, max / median",
    "broker us/event",
    "Kafka us/event",
    "peak RSS MiB",
    "CPU s to first record",
)

_LIBRARIES = ("celery", "kombu", "amqp", "aiokafka", "orjson", "jsonschema-rs", "uvloop")


def head(rabbitmq: RabbitServer, redis: RedisServer | None = None) -> list[str]:
    """Machine, versions, date and command, as lines."""
    servers = [f"RabbitMQ {rabbitmq.ctl('version').strip()}", f"Kafka {_kafka()}", _java()]
    if redis is not None:
        with redis.client() as client:
            servers.append(f"Redis {client.info('server')['redis_version']}")
    return [*environment(), f"servers: {', '.join(servers)}"]


def environment() -> list[str]:
    """What every benchmark says of itself: date, command, machine, versions."""
    libraries = ", ".join(f"{name} {_version(name)}" for name in _LIBRARIES)
    return [
        f"date: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, load average {load_average()}",
        f"command: {shlex.join(['python', '-m', _module(), *sys.argv[1:]])}",
        f"machine: {machine()}",
        f"versions: Python {sys.version.split()[0]}, {libraries}",
    ]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


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
    """One row per contender, in Markdown; who could not run to the end, or lost events, has no figure."""
    ours = next((runs for one, runs in results.items() if one.ours and kept(runs)), None)
    least = None if ours is None else min(run.cpu_us for run in ours)
    rows = [_COLUMNS, tuple("---" for _ in _COLUMNS)]
    rows += [(one.name, *_figures(runs, least)) for one, runs in results.items()]
    return ["| " + " | ".join(row) + " |" for row in rows]


def jobs(contenders: Iterable[Contender]) -> list[str]:
    """What each does with an event, one line per kind of work."""
    names: dict[str, list[str]] = {}
    for one in contenders:
        names.setdefault(one.job, []).append(one.name)
    return [f"- {'; '.join(those)}: {job}" for job, those in names.items()]


def _figures(runs: Sequence[Drained], ours: float | None) -> tuple[str, ...]:
    if not kept(runs):
        return tuple("lost events" if runs else "ended" for _ in _COLUMNS[1:])
    least = min(run.cpu_us for run in runs)
    return (
        f"{least:.1f} / {median(run.cpu_us for run in runs):.1f}",
        "" if ours is None else f"{least / ours:.1f}",
        f"{max(run.per_second for run in runs):,.0f} / {median(run.per_second for run in runs):,.0f}",
        f"{median(run.broker_us for run in runs):.1f}",
        f"{median(run.kafka_us for run in runs):.1f}",
        f"{max(run.peak_rss_mib for run in runs):.0f}",
        f"{median(run.start_seconds for run in runs):.2f}",
    )
