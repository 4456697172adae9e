"""`demo`: everything in one process, no server at all."""

import os
from typing import Any

import click

from bridge.cli.options import command
from bridge.config import load


@command("demo")
@click.option("--forever", is_flag=True, help="Go on making tasks until interrupted.")
def demo(forever: bool, **flags: Any) -> int:
    """
    Show what the bridge does, without any server.

    Starts a broker, a Celery worker and tasks that succeed, are retried, fail and are revoked, all in this process, and
    writes their events to stdout as JSON lines.
    """
    config = load("demo", flags, os.environ).config
    from bridge import demo as stage
    from bridge.cli import logs, loop

    logs.configure(config)

    return loop.run(stage.run(config, forever=forever))
