"""
Starts runs: `python -m tests.torture [NAME ...] [--events N] [--times N] [--seed S]`, all of them without a name. Exits
with 1 when one shows a fault.
"""

import argparse
import random
import sys
from typing import Protocol

from tests.torture import (
    cap,
    codes,
    down,
    fuzz,
    kill,
    links,
    outages,
    redis_kill,
    redis_links,
    replicas,
    soak,
    stop,
)


class Run(Protocol):
    """What a module of a run has."""

    NAME: str
    EVENTS: int
    TIMES: int
    RATE: int

    def run(self, options: argparse.Namespace) -> bool:
        """Print figures and return whether they hold."""


_MODULES = (kill, outages, stop, replicas, cap, down, redis_kill, links, redis_links, fuzz, soak, codes)
RUNS: dict[str, Run] = {module.NAME: module for module in _MODULES}  # type: ignore[misc]
"""Name -> the run."""


def main() -> int:
    """Parse, run, and say the seed first: with it the faults come at the same moments of the account again."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *RUNS], metavar="NAME", help=", ".join(RUNS))
    parser.add_argument("--events", type=int, help="how many; each run has a number of its own")
    parser.add_argument("--times", type=int, help="how many faults")
    parser.add_argument("--rate", type=int, help="events a second, at most")
    parser.add_argument("--queue-type", choices=("quorum", "stream"), help="instead of both")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    options = parser.parse_args()
    failed = [name for name in options.names or RUNS if not _run(RUNS[name], options)]
    print(f"failed: {', '.join(failed)}" if failed else "all hold", flush=True)
    return 1 if failed else 0


def _run(module: Run, asked: argparse.Namespace) -> bool:
    options = argparse.Namespace(
        events=asked.events or module.EVENTS,
        times=asked.times or module.TIMES,
        rate=asked.rate or module.RATE,
        queue_types=[asked.queue_type] if asked.queue_type else ["quorum", "stream"],
        seed=asked.seed,
    )
    told = f"--events {options.events} --times {options.times} --rate {options.rate} --seed {options.seed}"
    print(f"{module.NAME}: {told}", flush=True)
    try:
        return module.run(options)
    except AssertionError as error:
        print(f"FAULT {error}", flush=True)
        return False


if __name__ == "__main__":
    sys.exit(main())
