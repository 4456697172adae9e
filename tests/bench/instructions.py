"""
`make bench-instructions`: how many instructions each stage takes per event, by valgrind's callgrind.

What a busy machine does to microseconds it does not do to these: two runs differ by less than a hundredth. One pass per
stage, after one that warms its caches. Needs valgrind, and a Python that was not stripped of its functions' names.
"""

import gc
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.passes import made
from tests.bench.report import environment

_EVENTS = 2_500  # of the mix: 120 million instructions a pass, seconds at valgrind's pace

_MARK = "os_getloadavg"
"""C function of `os.getloadavg`, which nothing else calls: callgrind writes its counts down there, and begins anew."""

_TOTAL = re.compile(r"^(?:totals|summary): (\d+)", re.MULTILINE)


def main() -> int:
    """Measure and print; the exit code."""
    if shutil.which("valgrind") is None:
        print("no instructions counted: valgrind is not installed", file=sys.stderr)
        return 1
    print(*environment(), sep="\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "counted")
        valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", f"--dump-after={_MARK}"]
        python = [sys.executable, "-m", "tests.bench.instructions", "passes"]
        run = subprocess.run(
            [*valgrind, *python], capture_output=True, text=True, env={**os.environ, "PYTHONHASHSEED": "0"}
        )
        dumps = [Path(f"{out}.{number + 1}") for number in range(len(list(Path(folder).iterdir())))]
        counted = [int(found[1]) for dump in dumps if dump.exists() and (found := _TOTAL.search(dump.read_text()))]
    if run.returncode:
        print(run.stderr[-2000:], file=sys.stderr)
        return 1
    said = json.loads(run.stdout)
    passes = counted[1 : 2 * len(said["stages"]) : 2]  # between two marks; what lies before the first is the warm-up
    if len(passes) < len(said["stages"]):
        print(f"no instructions counted: this Python shows no function {_MARK}", file=sys.stderr)
        return 1
    print(f"\n{said['about']}\n", "| stage | instructions/event |", "|---|---|", sep="\n")
    for name, number in zip(said["stages"], passes, strict=True):
        print(f"| {name} | {number / said['events']:,.0f} |")
    return 0


def measured() -> None:
    """What runs under valgrind: each stage between two marks."""
    about, events, stages = made("mix", _EVENTS)
    for stage in stages.values():
        stage()
        gc.collect()
        os.getloadavg()
        stage()
        os.getloadavg()
    json.dump({"about": about, "events": events, "stages": list(stages)}, sys.stdout)


if __name__ == "__main__":
    if sys.argv[1:] == ["passes"]:
        measured()
    else:
        sys.exit(main())
