"""Starts one run: `python -m tests.torture NAME [--events N] [--seed S]`; exits with 1 when it shows a fault."""

import argparse
import random
import sys
from collections.abc import Callable

from tests.torture import fuzz

RUNS: dict[str, Callable[[argparse.Namespace], bool]] = {module.NAME: module.run for module in (fuzz,)}
"""Name -> the run, which prints its figures and returns whether they hold."""


def main() -> int:
    """Parse, run, and say the seed first: with it the run is the same again."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("name", choices=sorted(RUNS))
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    options = parser.parse_args()
    print(f"{options.name}: --events {options.events} --seed {options.seed}", flush=True)
    return 0 if RUNS[options.name](options) else 1


if __name__ == "__main__":
    sys.exit(main())
