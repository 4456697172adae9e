"""`python -m bridge`, and what the `celery-bridge` script calls."""

import gc
import sys

# Python looks for garbage after 700 new objects. Modules are 60,000 that stay: the looks are a seventh of a start.
_THRESHOLD = 50_000


def main() -> int:
    """The command, with the arguments of this process; its exit code."""
    gc.set_threshold(_THRESHOLD)
    from bridge.cli.main import main as command  # here: it brings all the modules

    return command()


if __name__ == "__main__":
    sys.exit(main())
