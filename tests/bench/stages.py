"""
`make bench-stages`: what the stages cost alone, from a delivery in memory to the encoded record, on one core.

Several fresh processes measure one after the other, each several passes over the same deliveries; a pass has a state of
its own, because an event that was folded before changes nothing and is cheap. Exits with 1 when the bar is missed.

Data: `captures` are all deliveries of `tests/data/captures` that hold valid JSON events and nothing else, ten times
over with fresh uuids, each file a cluster of its own; `mix` is the backlog of `make bench`. Deliveries come in reads
of 1,000 that share one `received_at`, as a live source gives them.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from statistics import median

from tests.bench.passes import LINES, WHOLE
from tests.bench.report import environment

BARS_US = (12.0, 9.0)
"""Decode to encoded record, per event, at most: the first goal, and the one after it."""

DATA = ("captures", "mix")


def main() -> int:
    """Measure in fresh processes, print the table; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.stages", description="CPU per event of the stages")
    parser.add_argument("--processes", type=int, default=5, help="one after the other (default: %(default)s)")
    parser.add_argument("--passes", type=int, default=5, help="per stage and process (default: %(default)s)")
    parser.add_argument("--events", type=int, default=20_000, help="of the mix (default: %(default)s)")
    options = parser.parse_args()
    print(*environment(), sep="\n")
    cleared = [_measure(data, options) for data in DATA]
    return 0 if all(cleared) else 1


def _measure(data: str, options: argparse.Namespace) -> bool:
    child = [sys.executable, "-m", "tests.bench.passes", data, str(options.events), str(options.passes)]
    runs = [
        json.loads(subprocess.run(child, check=True, capture_output=True, text=True).stdout)
        for _ in range(options.processes)
    ]
    print(f"\n## {data}: {runs[0]['about']}\n")
    print(*_table([run["us"] for run in runs]), sep="\n")
    print()
    cleared = True
    for stage in (LINES, WHOLE):
        whole = [run["us"][stage] for run in runs]
        for bar in BARS_US:
            cleared &= median(whole) <= bar
            said = "cleared" if median(whole) <= bar else "MISSED"
            print(f"bar: at most {bar:g} us, {stage}: {min(whole):.1f} / {median(whole):.1f}: {said}", flush=True)
    return cleared


def _table(runs: Sequence[Mapping[str, float]]) -> list[str]:
    rows = ["| stage | us/event, min / median |", "|---|---|"]
    for stage in runs[0]:
        values = [run[stage] for run in runs]
        rows.append(f"| {stage} | {min(values):.2f} / {median(values):.2f} |")
    return rows


if __name__ == "__main__":
    sys.exit(main())
