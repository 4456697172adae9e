"""docs/reference/cli.md: every command with its help, and the exit codes."""

import click

from bridge.cli.main import NAME, cli
from bridge.cli.options import CONTEXT

_WIDTH = 100

_HEAD = f"""# The command line

<!-- written by docs/generate.py from bridge/cli: do not edit -->

`{NAME} COMMAND --help` shows what stands here. [configuration.md](configuration.md) says where else an option may be
given. stdout holds data only; logs and errors go to stderr.
"""

_EXIT_CODES = """## Exit codes

| code | means |
|---|---|
| 0 | done: everything that was read is delivered, dead-lettered or filtered |
| 1 | an unexpected error; `validate`: something is invalid; `forget`: the answer was no |
| 2 | an unknown command or option, or a missing argument |
| 65 | an event violates its schema (only with `--on-invalid fail`) |
| 69 | an end cannot be reached (only with `--fail-fast`) |
| 74 | what is written to is broken: a closed pipe, a full disk |
| 75 | the time to stop was over with deliveries unsettled: the broker hands them out again |
| 77 | credentials or rights refused (only with `--fail-fast`) |
| 78 | an option, a file or a schema is wrong: every problem has a line on stderr |
| 130 | interrupted a second time |

A reader that goes away (`| head`) ends every command quietly with 0, but `run` with 74.
"""


def page() -> str:
    root = click.Context(cli, info_name=NAME, terminal_width=_WIDTH, **CONTEXT)
    parts = [_HEAD]
    for name, command in cli.commands.items():
        parts += sections(command, click.Context(command, info_name=name, parent=root))
    return "\n".join([*parts, _EXIT_CODES])


def sections(command: click.Command, context: click.Context) -> list[str]:
    """A command's help, and that of its own commands behind it."""
    parts = [f"## {context.command_path.removeprefix(NAME + ' ')}\n\n```\n{context.get_help()}\n```\n"]
    for name, inner in getattr(command, "commands", {}).items():
        parts += sections(inner, click.Context(inner, info_name=name, parent=context))
    return parts
