"""Lines to stdout or to a file: a sink, and the one writer that the sinks of several chains share."""

from bridge.sinks.stdout.sink import LinesSink
from bridge.sinks.stdout.writer import LineWriter

__all__ = ["LineWriter", "LinesSink"]
