"""`config`: what `run` would do with the same flags, environment and file."""

import os
from typing import Any

from bridge.cli.options import command
from bridge.cli.stdout import printing, write_line
from bridge.config import load, toml


@command("config")
def config(**flags: Any) -> int:
    """
    Show the effective configuration of `run`, and where each value came from.

    Prints TOML that --config reads back. Secrets are masked: give those by the environment or a file of their own.
    """
    loaded = load("config", flags, os.environ)
    with printing():
        write_line(toml.document(loaded).removesuffix("\n"))
    return 0
