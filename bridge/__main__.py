"""`python -m bridge`, and what the `celery-bridge` script calls."""

import sys

from bridge.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
