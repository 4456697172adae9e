"""The `celery-bridge` command itself: its subcommands, its version, and what an error becomes."""

import sys
from collections.abc import Iterator, Sequence

import click

from bridge.cli.config import config
from bridge.cli.demo import demo
from bridge.cli.dlq import dlq
from bridge.cli.forget import forget
from bridge.cli.options import CONTEXT, Group
from bridge.cli.run import dump, replay, run
from bridge.cli.schemas import schemas
from bridge.cli.stdout import show
from bridge.cli.validate import validate
from bridge.errors import BridgeError, ConfigError

NAME = "celery-bridge"
INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""

_SHOWN = ("celery-event-bridge", "celery", "kombu", "aiokafka")
"""The distributions whose versions a bug report needs."""


def print_version(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    """Print versions on stdout and end the command, when asked to."""
    if not wanted or context.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version
    from platform import python_version

    from bridge import __version__

    lines = [f"{NAME} {__version__}", f"python {python_version()}"]
    for name in _SHOWN[1:]:
        try:
            lines.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            lines.append(f"{name} is not installed")
    show("\n".join(lines))
    context.exit()


@click.group(NAME, cls=Group, context_settings=CONTEXT, invoke_without_command=True, epilog=(
    "Each option can also stand in the environment, as CELERY_BRIDGE_<OPTION>, and in a file given by --config. "
    "`celery-bridge COMMAND --help` shows the options of a command."
))  # fmt: skip
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=print_version, help="Show versions and exit."
)
@click.pass_context
def cli(context: click.Context) -> int:
    """Takes every event of a Celery cluster, validated and enriched, to Kafka or to stdout, and loses none."""
    if context.invoked_subcommand is None:
        show(context.get_help())
    return 0


for each in (run, dump, replay, demo, validate, schemas, dlq, forget, config):
    cli.add_command(each)


def main(args: Sequence[str] | None = None) -> int:
    """
    Run one command; the return value is the process's exit code.

    A BridgeError ends in one clear line per problem on stderr and its own exit code; usage errors (unknown command or
    option, missing argument) are click's and exit 2; anything unexpected is logged with its traceback and exits 1.

    Args:
        args: without the program's name; None: sys.argv.
    """
    try:
        code = cli.main(args, NAME, standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the top: whatever it is becomes a line and an exit code
        return failed(error)


def failed(error: Exception) -> int:
    """Say on stderr what ended the process; its exit code."""
    leaves = list(flat(error))
    if not all(isinstance(leaf, BridgeError) for leaf in leaves):
        import structlog

        from bridge.cli import logs
        from bridge.config import Config

        if not structlog.is_configured():  # it would print to stdout, which is data
            logs.configure(Config())
        structlog.get_logger().critical("stopped by an unexpected error", exc_info=error)
        return 1
    for leaf in leaves:
        for problem in leaf.problems if isinstance(leaf, ConfigError) else (str(leaf) or type(leaf).__name__,):
            say(problem)
    return max(leaf.exit_code for leaf in leaves if isinstance(leaf, BridgeError))


def flat(error: BaseException) -> Iterator[BaseException]:
    """The errors that a (nested) group of a TaskGroup holds; an ordinary error is itself."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from flat(inner)
    else:
        yield error


def say(problem: str) -> None:
    """One line on stderr, whatever the text holds; nothing when stderr is gone."""
    line = "".join(char if char.isprintable() else repr(char)[1:-1] for char in f"{NAME}: {problem}")
    try:
        sys.stderr.buffer.write(line.encode("utf-8", "backslashreplace") + b"\n")
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        return
