"""The bridge, through each of its readers."""

import sys
from importlib.util import find_spec

from bridge.clients.queue import PREFIX, QueuePlan
from tests.bench.contenders import Contender, Ends, missing

_START = "import sys; sys.modules.update(dict.fromkeys({without})); from bridge.__main__ import main; sys.exit(main())"
"""None: importing it fails, as where it is not installed."""

_JOB = "validates, state, event_id, full native record with headers; acks after Kafka; idempotent, acks=all, zstd"


def installed(*arguments: str, without: tuple[str, ...] = ()) -> list[str]:
    """
    The program as its users have it: compiled modules are kept from one start to the next, and there is no rich (only
    the tests' environment has it, for import-linter; structlog imports it where it is). Both together are a third of
    a start's CPU.

    Args:
        without: further modules that cannot be imported.
    """
    start = _START.format(without=("rich", *without))
    return ["env", "-u", "PYTHONDONTWRITEBYTECODE", sys.executable, "-c", start, *arguments]


def run(ends: Ends, *options: str, scheme: str = "", without: tuple[str, ...] = ()) -> list[str]:
    """The command line of the service, all else at its defaults."""
    ways = ["--from", scheme + ends.broker, *options, "--to", f"kafka://{ends.bootstrap}/{ends.topic}"]
    return installed("run", *ways, without=without)


def _quorum(group: str) -> dict[str, object]:
    return QueuePlan("quorum", group, {}).arguments()


def _stream(ends: Ends) -> list[str]:
    broker = f"{ends.broker}?stream_port={ends.stream_port}"
    return run(Ends(broker, ends.bootstrap, ends.topic), "--queue-type", "stream", "--group", "bench")


QUORUM = Contender(
    key="quorum",
    name="bridge, quorum queue",
    job=_JOB,
    queue=f"{PREFIX}bench",
    command=lambda ends: run(ends, "--group", "bench"),
    arguments=lambda: _quorum("bench"),
    ours=True,
    why_not=lambda: missing("bridge.sources.amqp"),
)

ASYNCIO = Contender(
    key="asyncio",
    name="bridge, quorum queue, without uvloop",
    job=_JOB,
    queue=f"{PREFIX}bench-asyncio",
    command=lambda ends: run(ends, "--group", "bench-asyncio", without=("uvloop",)),
    arguments=lambda: _quorum("bench-asyncio"),
    ours=True,
    why_not=lambda: QUORUM.why_not() or ("" if find_spec("uvloop") else "uvloop is not installed: no other can run"),
)
"""What uvloop gains is what this one takes more than the first."""

STREAM = Contender(
    key="stream",
    name="bridge, stream protocol",
    job=_JOB,
    queue=f"{PREFIX}bench.stream",
    command=_stream,
    arguments=lambda: QueuePlan("stream", "bench", {}).arguments(),  # type: ignore[arg-type]
    stream=True,
    ours=True,
    not_to_say="stream is read over AMQP",
    why_not=lambda: missing("bridge.sources.stream"),
)

KOMBU = Contender(
    key="kombu",
    name="bridge, quorum queue through kombu",
    job=_JOB,
    queue=f"{PREFIX}bench-kombu",
    command=lambda ends: run(ends, "--group", "bench-kombu", scheme="kombu+"),
    arguments=lambda: _quorum("bench-kombu"),
    ours=True,
)

REDIS = Contender(
    key="redis",
    name="bridge, Redis",
    job=_JOB + " (Redis itself keeps nothing)",
    queue="",
    command=run,
    broker="redis",
    ours=True,
    why_not=lambda: missing("bridge.sources.redis"),
)

REDIS_KOMBU = Contender(
    key="redis-kombu",
    name="bridge, Redis through kombu",
    job=_JOB + " (Redis itself keeps nothing)",
    queue="",
    command=lambda ends: run(ends, scheme="kombu+"),
    broker="redis",
    ours=True,
)
