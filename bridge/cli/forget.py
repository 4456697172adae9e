"""`forget`: removes what `run` left behind."""

import os
import sys
from typing import Any

import click

from bridge.cli.options import command
from bridge.cli.stdout import printing, write_line
from bridge.config import load
from bridge.errors import ConfigError

NOTHING = "nothing to remove"
DECLINED = 1
"""The exit code when the answer was no."""


@command("forget")
@click.option("--yes", is_flag=True, help="Remove without asking. Needed where stdin is no terminal.")
def forget(yes: bool, **flags: Any) -> int:
    """
    Remove what `run` left behind for a group: queue, stream, and with --to kafka://... the position.

    Takes the flags of that `run`; without --queue-type it removes both. Says first what is there and how many messages
    are lost with it, then asks. A queue that somebody reads is not removed; of a stream RabbitMQ does not tell. A
    bridge that writes to Kafka exactly once is ended by the removal of its position.

    \b
    celery-bridge forget --from amqp://user@rabbit/shop --group audit
    celery-bridge forget --queue-type stream --from prod=amqp://rabbit --to kafka://kafka:9092/celery.events
    """
    config = load("forget", flags, os.environ).config
    from bridge.cli import logs, loop
    from bridge.service import forget as service

    logs.configure(config)
    service.check(config)
    found = loop.run(service.look(config))
    with printing():
        for one in found:
            write_line(one.words)
        if not found:
            write_line(NOTHING)
    if not found:
        return 0
    problems = [str(service.in_use(one.queue, one.consumers)) for one in found if one.consumers]
    if problems:
        raise ConfigError(problems)
    if not yes and not agreed():
        click.echo("nothing was removed", err=True)
        return DECLINED
    loop.run(service.remove(config, found))
    click.echo("removed", err=True)
    return 0


def agreed() -> bool:
    """
    The answer to the question, no when there is none.

    Raises:
        ConfigError: nobody is there to be asked.
    """
    if not sys.stdin.isatty():
        raise ConfigError("stdin is no terminal, so nobody can be asked: add --yes to remove this")
    return click.confirm("Remove this for ever?", err=True)
