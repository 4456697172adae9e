"""`dlq`: what is in the dead letters, and sending it again."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from bridge.cli.options import CONTEXT, Group, command
from bridge.cli.stdout import printing, write_line
from bridge.config import Config, SinkEnd, load
from bridge.config.ends import read_letters
from bridge.config.paths import letters_problems
from bridge.errors import ConfigError

if TYPE_CHECKING:
    from bridge.letters import Group as Letters

NOTHING = "no dead letters"


@click.group("dlq", cls=Group, context_settings=CONTEXT)
def dlq() -> None:
    """Read dead letters back, from a topic (kafka://host:port/TOPIC.dlq), a file of lines, or stdin (-)."""


@command("show", table="dlq show")
@click.argument("place", metavar="FROM")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per group.")
def show(place: str, as_json: bool, **flags: Any) -> int:
    """
    Say why events are in the dead letters, where, and how often; those of the most events first.

    \b
    celery-bridge dlq show kafka://kafka:9092/celery.events.dlq
    celery-bridge dlq show events.jsonl --json
    """
    end, config = read("dlq show", place, flags)
    from bridge.cli import logs, loop
    from bridge.service import letters

    logs.configure(config)
    groups = loop.run(letters.grouped(end, config)).most_first()
    with printing():
        for line in map(json_line, groups) if as_json else table(groups):
            write_line(line)
    return 0


@command("replay", table="dlq replay")
@click.argument("place", metavar="FROM")
def replay(place: str, **flags: Any) -> int:
    """
    Send exactly the events that failed through the schemas in force; then say how many went through.

    Letters stay where they are, and an event keeps its event_id: replaying twice delivers twice what went through, with
    the same ids. What fails again is not written anywhere. Exits 0 whatever failed again.

    \b
    celery-bridge dlq replay kafka://kafka:9092/celery.events.dlq --schemas fixed/ --to kafka://kafka:9092/celery.events
    """
    end, config = read("dlq replay", place, flags)
    from bridge.cli import logs, loop
    from bridge.service import letters

    logs.configure(config)
    return loop.run(letters.replay(end, config))


def read(name: str, place: str, flags: Mapping[str, Any]) -> tuple[SinkEnd, Config]:
    """
    Where the letters are, and the configuration.

    Raises:
        ConfigError: everything that is wrong with either.
    """
    problems: list[str] = []
    end, config = SinkEnd(), Config()
    try:
        end = read_letters(place)
        problems += [f"FROM: {problem}" for problem in letters_problems(end)]
    except ValueError as error:
        problems.append(f"FROM: {error}")
    try:
        config = load(name, flags, os.environ).config
    except ConfigError as error:
        problems += error.problems
    if name == "dlq replay" and not problems and end.kind != "stdout" and end == config.to:
        problems.append("--to: the dead letters are read from there")
    if problems:
        raise ConfigError(problems)
    return end, config


def table(groups: "list[Letters]") -> list[str]:
    """The groups as aligned columns, and the sum."""
    if not groups:
        return [NOTHING]
    head = ("events", "letters", "cluster", "reason", "schema", "path", "first", "last", "example", "error")
    rows = [head, *(cells(group) for group in groups)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head) - 1)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]) for row in rows
    ]
    events, letters = sum(group.events for group in groups), sum(group.letters for group in groups)
    cut = sum(group.cut for group in groups)
    rest = f", {cut} of them cut: these cannot be sent again" if cut else ""
    return [*lines, f"{events} events in {letters} dead letters{rest}"]


def cells(group: "Letters") -> tuple[str, ...]:
    """One group as texts; what a group does not have is a dash. Letters may hold anything, so it is made printable."""
    texts = (
        str(group.events),
        str(group.letters),
        group.cluster,
        group.reason,
        group.schema,
        group.path,
        instant(group.first),
        instant(group.last),
        group.examples[0],
        group.error,
    )
    return tuple(printable(text) or "-" for text in texts)


def printable(text: str) -> str:
    """One line that no terminal obeys."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def instant(seconds: float | None) -> str:
    """As records show time."""
    from bridge.clock import iso_ms

    return "" if seconds is None else iso_ms(seconds)


def json_line(group: "Letters") -> str:
    """One group as JSON; what it does not have is left out."""
    import orjson

    said = {
        "cluster": group.cluster,
        "reason": group.reason,
        "schema": group.schema,
        "path": group.path,
        "error": group.error,
        "events": group.events,
        "letters": group.letters,
        "cut": group.cut,
        "first_time": instant(group.first),
        "last_time": instant(group.last),
        "examples": group.examples,
    }
    return orjson.dumps({name: value for name, value in said.items() if value != ""}).decode()


for each in (show, replay):
    dlq.add_command(each)
