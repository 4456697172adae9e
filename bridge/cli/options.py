"""From the table of options to click's parameters and a grouped help."""

from collections.abc import Callable

import click

from bridge.cli.stdout import show
from bridge.config import OPTIONS
from bridge.config.options import Option, default_words

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
"""Settings of every command's context."""

Command = Callable[..., int]


class TableOption(click.Option):
    """
    One row of the table as a flag.

    click hands on the text only (None: not given), and reads no environment: all values of all layers are judged in one
    place, so that every problem comes out at once.
    """

    def __init__(self, row: Option, command: str) -> None:
        self.section = row.section
        long = f"{row.flag}/--no-{row.flag[2:]}" if row.switch else row.flag
        text = row.help + f"  [{default_words(row, command)}]"
        super().__init__(
            [row.field, *row.flags, long],
            help=text,
            default=None,
            multiple=row.repeatable or row.key == "from",
            metavar=None if row.switch else row.kind.metavar,
            type=None if row.switch else str,
        )


class HelpToStdout(click.Command):
    """Prints its help as every command here prints: quiet for a reader that has enough, clear about a full disk."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Click's own option, that prints our way."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.callback = print_help
        return option


def print_help(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    """Print the help of a command on stdout and end it, when asked to."""
    if wanted and not context.resilient_parsing:
        show(context.get_help())
        context.exit()


class Group(HelpToStdout, click.Group):
    """A command that has commands."""


class SectionedCommand(HelpToStdout):
    """A command whose help groups the options of the table by their section."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections in the table's order, then what is no row of the table."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                sections.setdefault(getattr(parameter, "section", "Other"), []).append(record)
        for name, records in sections.items():
            with formatter.section(name):
                formatter.write_dl(records)


def table_options(command: str) -> Callable[[Command], Command]:
    """Decorates a function with the flags that the table gives to `command`; it takes them as one keyword each."""
    rows = [row for row in OPTIONS if command in row.commands]

    def decorate(function: Command) -> Command:
        params: list[click.Parameter] = getattr(function, "__click_params__", [])
        # click reads this list backwards, as decorators pile up.
        function.__click_params__ = params + [TableOption(row, command) for row in reversed(rows)]  # type: ignore[attr-defined]
        return function

    return decorate


def command(name: str, *, table: str = "") -> Callable[[Command], click.Command]:
    """
    A command called `name` with a grouped help.

    Args:
        table: the name under which the table knows the command, where it is another.
    """

    def decorate(function: Command) -> click.Command:
        flagged = table_options(table or name)(function)
        return click.command(name, cls=SectionedCommand, context_settings=CONTEXT)(flagged)

    return decorate
