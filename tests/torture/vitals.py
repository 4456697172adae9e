"""What a process holds while it runs: memory, descriptors, threads, and asyncio tasks; and whether it grows."""

import contextlib
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.bridge_process import BridgeProcess

MIB = 1024 * 1024


@dataclass(slots=True)
class Span:
    """The least of each between two faults: what it holds at rest, whatever a fault made of it."""

    began: float
    """Monotonic seconds."""
    resident_bytes: int = sys.maxsize
    descriptors: int = sys.maxsize
    threads: int = sys.maxsize
    tasks: int = sys.maxsize
    looks: int = 0


@dataclass
class Vitals:
    """
    Of one process; grows by `look`.

    Args:
        tasks: a file that holds how many asyncio tasks there are, as `watched.py` writes it.
    """

    process: BridgeProcess
    tasks: Path
    spans: list[Span] = field(default_factory=list)
    most_resident_bytes: int = 0

    def begin(self) -> None:
        """A span ends, and the next begins."""
        self.spans.append(Span(time.monotonic()))

    def look(self) -> None:
        """Take note."""
        if not self.spans:
            return
        span, proc = self.spans[-1], Path(f"/proc/{self.process.pid}")
        resident = self.process.memory_bytes()
        self.most_resident_bytes = max(self.most_resident_bytes, resident)
        span.resident_bytes = min(span.resident_bytes, resident)
        span.descriptors = min(span.descriptors, len(os.listdir(proc / "fd")))  # noqa: PTH208 - names are not needed
        span.threads = min(span.threads, len(os.listdir(proc / "task")))  # noqa: PTH208
        with contextlib.suppress(OSError, ValueError):  # not there yet, or just being written
            span.tasks = min(span.tasks, int(self.tasks.read_text()))
        span.looks += 1

    def since(self, moment: float) -> list[Span]:
        """The spans that began then or later, and saw anything."""
        return [span for span in self.spans if span.began >= moment and span.looks]


def slope_mib_per_hour(spans: Sequence[Span]) -> float:
    """Of the least squares' line through the memory at rest; 0 for fewer than two spans."""
    points = [(span.began / 3600, span.resident_bytes / MIB) for span in spans]
    mean_x = sum(x for x, _ in points) / max(1, len(points))
    mean_y = sum(y for _, y in points) / max(1, len(points))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def grown(spans: Sequence[Span], name: str) -> bool:
    """Whether the least that any of the last half held is more than the least of the first half."""
    counts = [getattr(span, name) for span in spans]
    half = len(counts) // 2
    return bool(half) and min(counts[half:]) > min(counts[:half])


def told(spans: Sequence[Span], name: str) -> str:
    """`12` or `12-14`."""
    counts = [getattr(span, name) for span in spans]
    return f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)}-{max(counts)}"
