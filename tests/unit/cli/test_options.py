"""bridge.cli.options: flags and help out of the table."""

import click
import pytest

from bridge.cli.main import NAME, cli
from bridge.cli.options import CONTEXT, TableOption, command
from bridge.config import OPTIONS

COMMANDS = ["run", "dump", "replay", "demo", "validate", "config"]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_the_flags_that_the_table_gives_it(name: str) -> None:
    """Each row is a flag of the commands it names and of no other."""
    rows = [row for row in OPTIONS if name in row.commands]
    flags = [param for param in cli.commands[name].params if isinstance(param, TableOption)]

    assert [param.name for param in flags] == [row.field for row in rows]
    for row, param in zip(rows, flags, strict=True):
        assert {row.flag, *row.flags} <= set(param.opts)


def test_values_are_handed_on_as_text() -> None:
    """click judges no value, so that all problems come out together; what is not given is None or empty."""
    got = {}

    @command("run")
    def probe(**flags: object) -> int:
        got.update(flags)
        return 0

    args = ["--limit", "x", "--type", "a", "--type", "b", "-X", "k=v", "--no-fail-fast", "-b", "a=x", "--from", "b=y"]
    probe.main(args, standalone_mode=False)

    assert {name: value for name, value in got.items() if value not in (None, ())} == {
        "limit": "x",
        "types": ("a", "b"),
        "kafka_properties": ("k=v",),
        "fail_fast": False,
        "sources": ("a=x", "b=y"),
    }


def test_help_is_grouped_by_section() -> None:
    """Options stand under the table's headings, with their defaults."""
    text = click.Context(cli.commands["dump"], info_name="dump", **CONTEXT).get_help()

    positions = [text.index(f"\n{row.section}:") for row in OPTIONS if "dump" in row.commands]
    assert positions == sorted(positions)
    assert "[default: transient]" in text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does(name: str) -> None:
    """The first line of a command's help is one sentence."""
    assert cli.commands[name].get_short_help_str(200).endswith((".", "service"))


def test_the_group_is_called_as_the_script() -> None:
    """Usage lines show the installed name."""
    assert cli.name == NAME == "celery-bridge"
