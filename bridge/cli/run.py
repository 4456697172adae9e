"""`run`, `dump` and `replay`: the three ways to start chains."""

import os
from collections.abc import Mapping
from typing import Any

import click

from bridge.cli.options import command
from bridge.config import Config, load


@command("run")
def run(**flags: Any) -> int:
    """
    Deliver events until stopped: the service.

    \b
    celery-bridge run --from amqp://user@rabbit/shop --to kafka://kafka:9092/celery.events
    celery-bridge run --from prod=amqp://rabbit1 --from eu=redis://redis2 --to kafka://kafka:9092
    """
    return start("run", flags)


@command("dump")
def dump(**flags: Any) -> int:
    """
    Watch a cluster from a terminal; leaves nothing behind on the broker.

    Coloured one-liners on a terminal, JSON lines on a pipe. Where the queue is read and where records go is taken from
    flags only: what the environment or a file says about them is meant for the service.

    \b
    celery-bridge dump -b redis://localhost
    celery-bridge dump --task 'shop.*' --format native | jq .runtime
    """
    return start("dump", flags)


@command("replay")
@click.argument("file", metavar="FILE")
def replay(file: str, **flags: Any) -> int:
    """
    Send the events of a file (- is stdin) through again, in order, and stop at its end.

    Each line is an event, a list of events, or a captured broker message. Exits 0 whatever was dead-lettered.
    """
    return start("replay", {**flags, "sources": [file]})


def start(name: str, flags: Mapping[str, Any]) -> int:
    """
    Load the configuration, set logging up, and run the service to its end.

    Raises:
        ConfigError: everything that is wrong with the options.
        BridgeError: what ended the service.
    """
    config = load(name, flags, os.environ, also=_further_problems).config
    from bridge import service
    from bridge.cli import logs, loop

    logs.configure(config)

    return loop.run(service.run(config))


def _further_problems(config: Config) -> list[str]:
    from bridge.clock import SystemClock
    from bridge.service.build import further_problems

    return further_problems(config, SystemClock())
