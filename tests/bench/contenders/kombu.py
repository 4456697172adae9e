"""The bridge, from a quorum queue through kombu."""

import sys

from bridge.clients.queue import PREFIX, QueuePlan
from tests.bench.contenders import Contender, Ends

_GROUP = "bench"


def _command(ends: Ends) -> list[str]:
    run = [sys.executable, "-m", "bridge", "run", "--from", f"kombu+{ends.broker}", "--group", _GROUP]
    return [*run, "--to", f"kafka://{ends.bootstrap}/{ends.topic}"]


CONTENDER = Contender(
    name="bridge, quorum queue through kombu",
    job="validates, state, event_id, full native record with headers; acks after Kafka; idempotent, acks=all, zstd",
    queue=PREFIX + _GROUP,
    command=_command,
    arguments=QueuePlan("quorum", _GROUP, {}).arguments(),
    ours=True,
)
