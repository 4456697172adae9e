"""`validate`: which events of a file violate their schema, and where."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import click

from bridge.cli.options import command
from bridge.cli.stdout import printing, write_line
from bridge.config import load
from bridge.errors import EndOfStream
from bridge.model import Delivery, Event, Failure

if TYPE_CHECKING:
    from bridge.validate import Schemas

_MAX_TYPE = 255
"""What event.json allows; the type is the sender's text, and a longer one would hide the message."""


@command("validate")
@click.argument("file", metavar="FILE")
def validate(file: str, **flags: Any) -> int:
    """
    Check the events of a file (- is stdin), without sending them anywhere.

    Prints one line per violation, with line, index and JSON pointer but never a value, then the totals. Exits 1 when
    there is a violation or something that is no event.
    """
    import asyncio

    from bridge.validate import Schemas

    config = load("validate", flags, os.environ).config
    schemas = Schemas.load(config.schemas, strict=config.strict)
    with printing():
        return asyncio.run(check(file, schemas))
    return 0


@dataclass(slots=True)
class Totals:
    """What the last line says, in events but for `no_events`: bodies, or indexes of a list, that are none."""

    events: int = 0
    invalid: int = 0
    no_events: int = 0


async def check(file: str, schemas: "Schemas") -> int:
    """
    Print what is wrong with the file, line by line, and the totals; 1 when anything is, else 0.

    Raises:
        ConfigError: the file cannot be opened.
        SourceError: it cannot be read to its end.
        PipeClosed, OutputError: stdout takes no more.
    """
    from bridge.sources.lines import LinesSource

    totals = Totals()
    async with LinesSource(file) as source:
        await source.start(None)
        with suppress(EndOfStream):
            while True:
                for item in await source.read():
                    if isinstance(item, Delivery):
                        check_delivery(item, schemas, totals)
    write_line(f"{totals.events} events, {totals.invalid} invalid, {totals.no_events} not events")
    return 1 if totals.invalid or totals.no_events else 0


def check_delivery(delivery: Delivery, schemas: "Schemas", totals: Totals) -> None:
    """Print what is wrong with the events of one line, and count them."""
    from bridge.decode import decode

    events, failures = decode(delivery)
    found = [(failure.index or 0, refused(delivery, failure)) for failure in failures]
    for event in events:
        violations = schemas.violations(event)
        totals.invalid += bool(violations)
        found += [(event.index or 0, line) for line in lines(event, violations)]
    for _, line in sorted(found, key=itemgetter(0)):
        write_line(line)
    totals.events += len(events)
    totals.no_events += len(failures)


def refused(delivery: Delivery, failure: Failure) -> str:
    """The line for what is no event; only the line's number when its whole body is meant."""
    where = f"{delivery.tag}" if failure.index is None else f"{delivery.tag}[{failure.index}]"
    return f"{where}: not an event: {failure.reason}: {failure.error}"


def lines(event: Event, violations: list[Failure]) -> Iterator[str]:
    """One line per violation: line of the file, index in its list (or 0), type, JSON pointer, what is wrong."""
    name = "".join(char if char.isprintable() else repr(char)[1:-1] for char in event.type[:_MAX_TYPE])
    for violation in violations:
        yield f"{event.delivery.tag}[{event.index or 0}]: {name}: {violation.path}: {violation.error}"
