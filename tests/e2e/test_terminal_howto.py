"""The lines in docs/howto/terminal.md are what the commands above them print."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/howto/terminal.md"
EXAMPLE = re.compile(r"^```console\n\$ (?P<command>.*)\n(?P<shown>(?:.*\n)*?)```$", re.MULTILINE)
EXAMPLES = [(match["command"], match["shown"]) for match in EXAMPLE.finditer(PAGE.read_text("utf-8"))]


def printed(command: str) -> str:
    """What the command writes into a pipe that is 120 columns wide, in UTC; without dead letters."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {**os.environ, "TZ": "UTC", "COLUMNS": "120", "PATH": path, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(["sh", "-c", command], env=environ, cwd=ROOT, capture_output=True, timeout=60, check=True)
    lines = done.stdout.decode().split("\n")
    return "\n".join(line for line in lines if not line.startswith('{"event_id":'))


@pytest.mark.parametrize(("command", "shown"), EXAMPLES, ids=[command for command, _ in EXAMPLES])
def test_the_page_shows_true_output(command: str, shown: str) -> None:
    """Run again, each command prints what stands under it."""
    assert printed(command) == shown


def test_the_page_has_examples() -> None:
    """A change of the page's form does not leave it untested."""
    assert len(EXAMPLES) == 4


def write() -> None:
    """Put the true output under every command: `python -m tests.e2e.test_terminal_howto`."""
    text = PAGE.read_text("utf-8")
    new = EXAMPLE.sub(lambda match: f"```console\n$ {match['command']}\n{printed(match['command'])}```", text)
    PAGE.write_text(new, "utf-8")


if __name__ == "__main__":
    write()
