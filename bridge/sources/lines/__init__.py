"""A file, a pipe or stdin of recorded broker messages, one per line: for replay, tests and debugging."""

from bridge.sources.lines.source import LinesSource
from bridge.sources.lines.splitter import MAX_LINE_BYTES

__all__ = ["MAX_LINE_BYTES", "LinesSource"]
