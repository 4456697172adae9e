"""
`make bench-memory`: what the state holds of a task, and that memory and rate stay as they are over millions of tasks.

    python -m tests.bench.memory live [--tasks N]
    python -m tests.bench.memory distinct [--tasks N] [--max-tasks N]

`live`: the growth of resident memory while so many tasks start and none ends, per task, in this process.

`distinct`: `celery-bridge replay` fed from a pipe with ten million tasks and `--max-tasks 100000`. One task in ten has
its whole life, four events; of the others only task-received is seen, so that 13 million events make the state forget
ended tasks and live ones. The rate is events per second of the process's CPU: this machine runs other things too.

Exits with 1 when a bar is missed.
"""

import argparse
import gc
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bridge.encode import KafkaEncoder
from bridge.filter import Filter, Patterns
from bridge.formats.native import Native
from bridge.model import Delivery
from bridge.pipeline import Pipeline
from bridge.state import ClusterState
from bridge.validate import Schemas
from tests.bench.cost import cpu_seconds, rss_mib
from tests.bench.lives import Lives, lines
from tests.bench.report import environment

TASK_BAR_BYTES = 1300.0
"""Of a live task, at most."""

DISTINCT_BAR_MIB = 260.0
"""Resident at any time after ten million tasks with `--max-tasks 100000`, at most."""

FLAT_SHARE = 0.05
"""What memory may grow after the state was full for the first time: pieces that the allocator cannot give back."""

SLOWER_SHARE = 0.10
"""How much the rate may fall from the first windows with a full state to the last."""

_WHOLE_EVERY = 10
_READ = 1000
_WINDOWS = 20
_COMPARED = 3  # windows at either end; their best, because what else runs can only slow one down


def main() -> int:
    """Parse, measure, print; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.memory", description="memory of the state")
    parser.add_argument("what", choices=("live", "distinct"))
    parser.add_argument("--tasks", type=int, help="default: 100,000 live, 10,000,000 distinct")
    parser.add_argument("--max-tasks", type=int, default=100_000, help="of `distinct` (default: %(default)s)")
    options = parser.parse_args()
    print(*environment(), "", sep="\n", flush=True)
    if options.what == "live":
        return _live(options.tasks or 100_000)
    return _distinct(options.tasks or 10_000_000, options.max_tasks)


def _live(tasks: int) -> int:
    schemas, nothing = Schemas.load(), Patterns()
    me = Path("/proc/self").resolve().name

    def pipeline() -> Pipeline:
        native = Native("celery", schemas.documented, schemas.nullable)
        encoder = KafkaEncoder(native, cluster="celery", topic="celery.events")
        state = ClusterState(max_tasks=tasks)
        return Pipeline(schemas=schemas, state=state, encoder=encoder, passes=Filter(nothing, nothing, nothing))

    _start(pipeline(), 5_000)  # what a read needs for a moment is resident from here on
    gc.collect()
    measured = pipeline()
    before = rss_mib(int(me))
    _start(measured, tasks)
    gc.collect()
    each = (rss_mib(int(me)) - before) * 1024**2 / tasks
    assert len(measured.state) == tasks
    print(f"{tasks:,} live tasks (sent, received, started): {each:,.0f} bytes of resident memory each")
    return 0 if _said(f"at most {TASK_BAR_BYTES:,.0f} bytes", cleared=each <= TASK_BAR_BYTES) else 1


def _start(pipeline: Pipeline, tasks: int) -> None:
    lives, items = Lives(), []
    for number in range(tasks):
        now = time.time()
        items += [Delivery(body, "application/json", "utf-8", received_at=now) for body in lives.events(number, 0, 3)]
        if len(items) >= _READ:
            _transform(pipeline, items)
            items = []
    _transform(pipeline, items)


def _transform(pipeline: Pipeline, items: list[Delivery]) -> None:
    while items:
        items = items[pipeline.transform(items).taken :]


def _distinct(tasks: int, max_tasks: int) -> int:
    command = [sys.executable, "-m", "bridge", "replay", "-", "--to", "stdout", "--max-tasks", str(max_tasks)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stderr
        windows: list[tuple[float, float]] = []  # events a second of CPU, MiB
        with process.stdin as pipe:
            _feed(pipe.write, tasks, windows, lambda: (cpu_seconds(process.pid), rss_mib(process.pid)))
        said = process.stderr.read().decode(errors="replace").strip()
    print(
        f"{tasks:,} tasks through replay, --max-tasks {max_tasks:,}; {said.splitlines()[-1] if said else 'no summary'}"
    )
    print(
        *(
            f"  {number + 1:2}/{_WINDOWS}: {rate:,.0f} events/s of CPU, {mib:.0f} MiB"
            for number, (rate, mib) in enumerate(windows)
        ),
        sep="\n",
    )
    if process.returncode:
        return 1
    full = [window for number, window in enumerate(windows) if (number + 1) * tasks / _WINDOWS > 2 * max_tasks]
    first, last = (max(rate for rate, _ in part) for part in (full[:_COMPARED], full[-_COMPARED:]))
    peak, start = max(mib for _, mib in full), full[0][1]
    cleared = [
        _said(f"at most {DISTINCT_BAR_MIB:g} MiB: {peak:.0f}", cleared=peak <= DISTINCT_BAR_MIB),
        _said(
            f"flat: {start:.0f} MiB when full, {full[-1][1]:.0f} at the end", cleared=peak <= start * (1 + FLAT_SHARE)
        ),
        _said(
            f"rate falls less than {SLOWER_SHARE:.0%}: {first:,.0f} to {last:,.0f} events/s of CPU",
            cleared=last > first * (1 - SLOWER_SHARE),
        ),
    ]
    return 0 if all(cleared) else 1


def _feed(
    write: Callable[[bytes], int],
    tasks: int,
    windows: list[tuple[float, float]],
    used: Callable[[], tuple[float, float]],
) -> None:
    """Write all lines, and note the rate and the memory a number of times on the way."""
    events = tasks + 3 * (tasks // _WHOLE_EVERY)
    each, cpu = events // _WINDOWS, used()[0]
    block: list[bytes] = []
    for number, line in enumerate(lines(tasks, whole_every=_WHOLE_EVERY), 1):
        block.append(line)
        if len(block) >= _READ:
            write(b"\n".join(block) + b"\n")
            block.clear()
        if number % each == 0:  # a pipe's and a read's worth of lines is still on its way: too few to matter
            now, mib = used()
            windows.append((each / (now - cpu), mib))
            cpu = now
    if block:
        write(b"\n".join(block) + b"\n")


def _said(text: str, *, cleared: bool) -> bool:
    print(f"bar: {text}: {'cleared' if cleared else 'MISSED'}", flush=True)
    return cleared


if __name__ == "__main__":
    sys.exit(main())
