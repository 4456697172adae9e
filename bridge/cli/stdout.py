"""Lines of text on stdout for the commands that print and end; a reader that went away is an ordinary end."""

import os
import sys
from types import TracebackType

from bridge.errors import OutputError


class PipeClosed(Exception):  # noqa: N818 - as StopIteration: an end, not an error
    """Whoever read our stdout has enough (`| head`)."""


def write_line(text: str) -> None:
    """
    One line in UTF-8, whatever the locale says.

    Raises:
        PipeClosed: nobody reads any more; caught by `printing`.
        OutputError: stdout is closed or its disk is full.
    """
    try:
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace") + b"\n")
    except (OSError, ValueError, AttributeError) as error:
        raise _translated(error) from error


def show(text: str) -> None:
    """
    A text as all that a command prints.

    Raises:
        OutputError: stdout is closed or its disk is full.
    """
    with printing():
        write_line(text)


class printing:  # noqa: N801 - reads as the statement it is used in
    """
    Around everything a command prints: flushes at the end, and swallows PipeClosed, after which the exit code is 0.

    Raises:
        OutputError: stdout is closed or its disk is full.
    """

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        if error is None:
            error = _flushed()
            if error is not None and not isinstance(error, PipeClosed):
                raise error
        if isinstance(error, PipeClosed):
            # What the interpreter flushes at exit goes where it makes no noise.
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, sys.stdout.fileno())
            os.close(null)
            return True
        return False


def _flushed() -> Exception | None:
    """Hand everything to the kernel; what went wrong, if anything."""
    try:
        sys.stdout.buffer.flush()
    except (OSError, ValueError, AttributeError) as error:
        return _translated(error)
    return None


def _translated(error: Exception) -> Exception:
    if isinstance(error, BrokenPipeError):
        return PipeClosed()
    reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "it is closed"
    return OutputError(f"cannot write to stdout: {reason.lower()}")
