"""bento, as `tests/bench/rivals/bento` builds and configures it."""

from pathlib import Path

from bridge.clients.queue import QueuePlan
from tests.bench.contenders import Contender, Ends
from tests.bench.rivals.bento import BINARY, FOLDER, SCHEMAS, why_not

_PASS = "validates, event_id, ISO time; no state; acks after Kafka; idempotent, acks=all, zstd"
_ENRICH = "as without enrichment, and name, args, kwargs, root, parent, retries of the task from its memory cache"


def _bento(key: str, config: str, job: str, *, gogc: int | None = None) -> Contender:
    queue = f"celeryev.{key}"

    def command(ends: Ends) -> list[str]:
        variables = {
            "BROKER": ends.broker,
            "QUEUE": queue,
            "KAFKA": ends.bootstrap,
            "TOPIC": ends.topic,
            "SCHEMAS": str(SCHEMAS),
            **({} if gogc is None else {"GOGC": str(gogc)}),
        }
        assignments = [f"{name}={value}" for name, value in variables.items()]
        return ["env", *assignments, str(BINARY), "-c", str(FOLDER / config)]

    tuned = "" if gogc is None else f", GOGC={gogc}"
    return Contender(
        key=key,
        name=f"bento, {Path(config).stem}{tuned}",
        job=job,
        queue=queue,
        command=command,
        # The same queue as ours: what a rival gains or loses by another kind is not the question.
        arguments=lambda: QueuePlan("quorum", key, {}).arguments(),
        why_not=why_not,
    )


BENTOS = (
    _bento("bento-pass", "pass.yaml", _PASS),
    _bento("bento-pass-gogc", "pass.yaml", _PASS, gogc=400),
    _bento("bento-enrich", "enrich.yaml", _ENRICH),
    _bento("bento-enrich-gogc", "enrich.yaml", _ENRICH, gogc=400),
)
"""GOGC=400 lets Go's heap grow to five times what is alive before it collects: less CPU for more memory."""
