"""The script that everyone writes (`tests/bench/rivals/script.py`)."""

import sys

from tests.bench.contenders import Contender, Ends

_QUEUE = "celeryev.script"


def _command(ends: Ends) -> list[str]:
    return [sys.executable, "-m", "tests.bench.rivals.script", ends.broker, ends.bootstrap, ends.topic, _QUEUE]


SCRIPT = Contender(
    key="script",
    name="the script everyone writes",
    job="State; adds name and state; auto-ack, no validation, no compression, acks=1",
    queue=_QUEUE,
    command=_command,
)
