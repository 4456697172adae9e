"""The lines in docs/howto/dead-letters.md are what the commands above them print."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/howto/dead-letters.md"
EXAMPLE = re.compile(r"^```console\n\$ (?P<command>.*)\n(?P<shown>(?:.*\n)*?)```$", re.MULTILINE)
EXAMPLES = [(match["command"], match["shown"]) for match in EXAMPLE.finditer(PAGE.read_text("utf-8"))]
NOW = '"timestamp": "2026-11-20T12:46:45.000000Z"'
"""In the place of the moment of a log line."""


def printed(command: str) -> str:
    """What the command writes in a shell, in the checkout."""
    line = command.replace("celery-bridge", f"{sys.executable} -m bridge", 1)
    done = subprocess.run(["sh", "-c", line], cwd=ROOT, env={**os.environ}, capture_output=True, timeout=60, check=True)
    return re.sub(r'"timestamp": "[^"]*"', NOW, done.stdout.decode())


@pytest.mark.parametrize(("command", "shown"), EXAMPLES, ids=[command for command, _ in EXAMPLES])
def test_the_page_shows_true_output(command: str, shown: str) -> None:
    """Run again, each command prints what stands under it."""
    assert printed(command) == shown


def test_the_page_shows_what_it_claims() -> None:
    """Three events go through, two fail again, and the good event of the list is not sent twice."""
    assert len(EXAMPLES) == 4
    records = [json.loads(line) for line in EXAMPLES[2][1].splitlines()]
    assert [record["uuid"] for record in records] == ["order-2", "order-3", "order-4"]
    assert {record["cluster"] for record in records} == {"shop"}
    assert '"went_through": 3, "failed_again": 2' in EXAMPLES[3][1]


def write() -> None:
    """Put the true output under every command: `python -m tests.e2e.test_dead_letters_howto`."""
    text = PAGE.read_text("utf-8")
    new = EXAMPLE.sub(lambda match: f"```console\n$ {match['command']}\n{printed(match['command'])}```", text)
    PAGE.write_text(new, "utf-8")


if __name__ == "__main__":
    write()
