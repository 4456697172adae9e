"""
`celery-bridge replay` as a process: CPU per event, start-up and reading of the file included, and its memory.

    python -m tests.bench.replay [--events N] [--max-tasks N]

`make bench-memory` is this with 1,000,000 events, each task a new one, and `--max-tasks 10000`. Exits with 1 when
`--bar-mib` is passed.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from typing import IO

from tests.bench.load import messages
from tests.bench.report import environment

MEMORY_BAR_MIB = 120.0
"""Resident memory after 1,000,000 events with `--max-tasks 10000`, at most."""


def main() -> int:
    """Make the lines while the process reads them, print what it took; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.replay", description="replay to the null device")
    parser.add_argument("--events", type=int, default=200_000, help="in lists as workers send (default: %(default)s)")
    parser.add_argument("--max-tasks", type=int, default=100_000, help="of the command (default: %(default)s)")
    parser.add_argument("--bar-mib", type=float, help="the most memory it may take")
    options = parser.parse_args()
    print(*environment(), sep="\n")
    command = [sys.executable, "-m", "bridge", "replay", "-", "--to", "stdout", "--max-tasks", str(options.max_tasks)]
    began = time.monotonic()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stderr
        _feed(process.stdin, options.events)
        said = process.stderr.read().decode(errors="replace")
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    print(f"\n{options.events:,} events from a pipe to the null device, native, --max-tasks {options.max_tasks:,}")
    return _verdict(said, used, options, process.returncode, time.monotonic() - began)


def _feed(lines: IO[bytes], events: int) -> None:
    with lines:
        for message in messages("mix", events):
            lines.write(message.body + b"\n")


def _verdict(said: str, used: resource.struct_rusage, options: argparse.Namespace, code: int, wall: float) -> int:
    cpu_us, peak = (used.ru_utime + used.ru_stime) / options.events * 1e6, used.ru_maxrss / 1024
    print(f"exit code {code}; {said.strip().splitlines()[-1] if said.strip() else 'no summary'}")
    print(f"{cpu_us:.1f} us of CPU per event, {options.events / wall:,.0f} events/s, peak RSS {peak:.0f} MiB")
    if code:
        return 1
    if options.bar_mib is None:
        return 0
    cleared = bool(peak < options.bar_mib)
    print(f"bar: below {options.bar_mib:g} MiB: {'cleared' if cleared else 'MISSED'}")
    return 0 if cleared else 1


if __name__ == "__main__":
    sys.exit(main())
