"""Whether the paths of a configuration are there: said with all other problems, instead of one by one later."""

# ruff: noqa: PTH110, PTH112, PTH116, PTH120
# os.path and not pathlib: it says no where pathlib raises, as for a name that is too long.

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from bridge.config.ends import STDIN, SinkEnd, SourceEnd
from bridge.config.layers import os_reason
from bridge.config.secret import masked_url

STDIN_FD = 0


def source_problems(ends: tuple[SourceEnd, ...]) -> Iterator[str]:
    """A sentence for each file of lines that cannot be read; opening it later may still fail."""
    # Masked: a URL whose scheme was forgotten is taken for a path, and its password is in it.
    for end in ends:
        if end.path is not None and end.path != STDIN and (reason := _unreadable(end.path)):
            yield f"cannot read {masked_url(end.path)}: {reason}"


def sink_problems(end: SinkEnd) -> Iterator[str]:
    """A sentence when the file to write to can neither be there nor be made."""
    if end.kind == "file" and (reason := _unwritable(end.path)):
        yield f"cannot write to {end.path}: {reason}"


def letters_problems(end: SinkEnd) -> Iterator[str]:
    """A sentence when the file to read dead letters from cannot be opened."""
    if end.kind == "file" and end.path != STDIN and (reason := _unreadable(end.path)):
        yield f"cannot read {masked_url(end.path)}: {reason}"


def loop_problems(ends: tuple[SourceEnd, ...], to: SinkEnd) -> Iterator[str]:
    """A sentence for each regular file that would be read while it is written to: it would grow for ever."""
    for end in ends:
        if to.kind == "file" and end.path is not None and _same_file(end.path, to.path):
            yield f"cannot write to {to.path}: it is read from as well"


def _same_file(source: str, target: str) -> bool:
    try:
        read = os.fstat(STDIN_FD) if source == STDIN else os.stat(source)
        written = os.stat(target)
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(read.st_mode) and os.path.samestat(read, written)


def directory_problems(path: Path | None) -> Iterator[str]:
    """A sentence when it is no directory."""
    if path is not None and not os.path.isdir(path):
        yield f"{path}: no such directory"


def folder_problems(path: Path | None) -> Iterator[str]:
    """A sentence when no file can be made in it."""
    yield from directory_problems(path)
    if path is not None and os.path.isdir(path) and not os.access(path, os.W_OK | os.X_OK):
        yield f"cannot write to {path}: permission denied"


def _unreadable(path: str) -> str:
    try:
        os.stat(path)
    except (OSError, ValueError) as error:
        return os_reason(error)
    if os.path.isdir(path):
        return "is a directory"
    return "" if os.access(path, os.R_OK) else "permission denied"


def _unwritable(path: str) -> str:
    if os.path.isdir(path):
        return "is a directory"
    target = path if os.path.exists(path) else os.path.dirname(path) or "."
    if not os.path.exists(target):
        return f"there is no directory {target}"
    return "" if os.access(target, os.W_OK) else "permission denied"
