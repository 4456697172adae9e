"""What a run found: figures to print, and faults that make it fail."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from tests.e2e.bridge_process import BridgeProcess
from tests.torture.ledger import Publishing
from tests.torture.scene import PATIENCE_SECONDS, Scene, servers

_SHOWN = 10


@dataclass
class Report:
    """Grows while the run goes on."""

    name: str
    figures: dict[str, object] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    def fault_if(self, wrong: object, what: str) -> None:
        """Note it when it is so."""
        if wrong:
            self.faults.append(what)

    def stop(self, process: BridgeProcess, within: float = PATIENCE_SECONDS) -> float:
        """SIGTERM; a fault when it does not end with 0 within so many seconds. Returns how many it took."""
        asked = time.monotonic()
        process.terminate()
        code = process.ended(PATIENCE_SECONDS)
        seconds = time.monotonic() - asked
        said = process.stderr[-1500:]
        self.fault_if(code != 0 or seconds > within, f"it ended with {code} after {seconds:.1f} s: {said}")
        return seconds

    def account(self, scene: Scene, publishing: Publishing, *, repeats: float, expected: Collection[str] = ()) -> None:
        """
        Everything that the ledger says.

        Args:
            repeats: the share of the events that may be in the topic more than once.
            expected: what is no fault here, and judged elsewhere.
        """
        seen, accepted = scene.reader.seen, len(publishing.accepted)
        repeated = seen.repeats.total()
        wrong = seen.faults(publishing)
        letters = scene.topic.dead_letters()
        self.figures |= {
            "accepted": accepted,
            "unconfirmed": len(publishing.unsure),
            "records": scene.reader.seen.records,
            "lost": len(wrong.get("lost", [])),
            "repeated": f"{repeated} ({100 * repeated / max(1, accepted):.3f} %)",
            "inverted": len(wrong.get("inverted", [])),
            "dead-lettered": len(letters),
            "gaps": len(seen.gaps),
            "seconds": round(time.monotonic() - self.started),
        }
        for what in wrong.keys() - set(expected):
            self.faults.append(f"{len(wrong[what])} {what}: {wrong[what][:_SHOWN]}")
        self.fault_if(repeated > repeats * accepted, f"{repeated} repeated, {repeats:.1%} are allowed")
        self.fault_if(letters, f"{len(letters)} dead letters")

    def show(self) -> bool:
        """Print it; returns whether nothing is wrong."""
        print(f"{self.name}: " + ", ".join(f"{name} {value}" for name, value in self.figures.items()), flush=True)
        for fault in self.faults:
            print(f"FAULT {fault}", flush=True)
        return not self.faults


def each_queue_type(queue_types: Sequence[str], play: Callable[[Scene], Report]) -> bool:
    """Play it with servers of its own, one queue type after the other, and print each report; whether all held."""
    held = []
    for queue_type in queue_types:
        with servers() as (kafka, rabbitmq, folder), Scene(kafka, rabbitmq, folder, queue_type) as scene:
            held.append(play(scene).show())
    return all(held)
