"""`schemas`: the JSON Schemas in force, to read or to take away."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridge.cli.options import CONTEXT, Group, command
from bridge.cli.stdout import printing, write_line
from bridge.config import load
from bridge.config.nearest import did_you_mean
from bridge.errors import ConfigError

if TYPE_CHECKING:
    from bridge.validate import Schemas


@click.group("schemas", cls=Group, context_settings=CONTEXT)
def schemas() -> None:
    """Show the JSON Schemas that events are checked against, your own (--schemas) among them."""


@command("list", table="schemas")
def list_types(**flags: Any) -> int:
    """Print the name of each schema; a type that has none is checked against `event`."""
    known = in_force(flags)
    with printing():
        for name in known.types():
            write_line(name)
    return 0


@command("show", table="schemas")
@click.argument("type_", metavar="TYPE")
def show(type_: str, **flags: Any) -> int:
    """Print the schema of one event type; `event` is for any other event, `record` for what the bridge sends."""
    known = in_force(flags)
    if type_ not in known.types():
        raise ConfigError(f"TYPE: {type_!r} has no schema of its own{did_you_mean(type_, known.types())}")
    with printing():
        write_line(known.text(type_).decode().rstrip("\n"))
    return 0


@command("export", table="schemas")
@click.argument("directory", metavar="DIR")
@click.option("--force", is_flag=True, help="Overwrite files of DIR that differ.")
def export(directory: str, force: bool, **flags: Any) -> int:
    """Write every schema to DIR as <type>.json. A file that is there and differs is kept, unless --force is given."""
    known = in_force(flags)
    target = Path(directory)
    contents = {target / f"{name}.json": known.text(name) for name in known.types()}
    try:
        target.mkdir(parents=True, exist_ok=True)
        if not force and (kept := [path for path, content in contents.items() if differs(path, content)]):
            raise ConfigError([f"{path} is there and differs: --force overwrites it" for path in kept])
        for path, content in contents.items():
            path.write_bytes(content)
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno).lower() if isinstance(error, OSError) and error.errno else "not a path"
        raise ConfigError(f"cannot write to {directory}: {reason}") from None
    return 0


def differs(path: Path, content: bytes) -> bool:
    """Whether overwriting the file would lose something."""
    return path.exists() and path.read_bytes() != content


def in_force(flags: Mapping[str, Any]) -> "Schemas":
    """
    The built-in schemas and those of `--schemas`.

    Raises:
        ConfigError: everything that is wrong with the options or the user's files.
    """
    from bridge.validate import Schemas

    return Schemas.load(load("schemas", flags, os.environ).config.schemas)


for each in (list_types, show, export):
    schemas.add_command(each)
