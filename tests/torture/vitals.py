"""What a process holds while it runs: memory, descriptors, threads, and asyncio tasks; and whether it grows."""

import contextlib
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median_low

from tests.e2e.bridge_process import BridgeProcess

MIB = 1024 * 1024


@dataclass(slots=True)
class Span:
    """
    What it holds at rest between two faults: the least memory, which a fault only adds to, and as many of all else as
    most looks saw. A fault adds to these and takes away: a broker that is down has no connections.
    """

    began: float
    """Monotonic seconds."""
    resident_bytes: int = sys.maxsize
    descriptors: Counter[int] = field(default_factory=Counter)
    """How many there were -> how many looks saw so many; and likewise:"""
    threads: Counter[int] = field(default_factory=Counter)
    tasks: Counter[int] = field(default_factory=Counter)
    looks: int = 0

    def at_rest(self, name: str) -> int:
        """Of descriptors, threads or tasks; 0 where none were counted. Of two that were seen as often the lower."""
        seen: Counter[int] = getattr(self, name)
        return min(seen, key=lambda count: (-seen[count], count), default=0)


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
        span.descriptors[len(os.listdir(proc / "fd"))] += 1  # noqa: PTH208 - names are not needed
        span.threads[len(os.listdir(proc / "task"))] += 1  # noqa: PTH208
        with contextlib.suppress(OSError, ValueError):  # not there yet, or just being written
            span.tasks[int(self.tasks.read_text())] += 1
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
    """
    Whether the least that any of the last half held at rest is more than the median of the first half. Not more than
    its least: in one minute the bridge may have been without a broker for longer than with it.
    """
    counts = [span.at_rest(name) for span in spans]
    half = len(counts) // 2
    return bool(half) and min(counts[half:]) > median_low(counts[:half])


def told(spans: Sequence[Span], name: str) -> str:
    """`12` or `12-14`."""
    counts = [span.at_rest(name) for span in spans]
    return f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)}-{max(counts)}"
