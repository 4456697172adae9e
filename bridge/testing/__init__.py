"""Fakes that keep the promises of `bridge.sources` and `bridge.sinks`: public, run through the same contract suites."""

from bridge.testing.clock import FakeClock
from bridge.testing.sink import MemorySink
from bridge.testing.source import Drop, MemorySource

__all__ = ["Drop", "FakeClock", "MemorySink", "MemorySource"]
