"""
Every exception that the bridge defines. The question that orders them: would the same input fail again?

BridgeError
├── TransientError        waiting may help: it is tried again, for ever unless --fail-fast
│   ├── ConnectError      a server is not there or does not answer                        exit 69 with --fail-fast
│   ├── BlockedError      a server refuses what it has to take: somebody must change that
│   └── TurnLostError     another replica of the group reads now: our turn comes again
└── PermanentError        the same input fails again
    ├── ConfigError       options, files, schemas; a queue declared with other arguments  exit 78
    ├── CredentialsError  a server refused who we are                                     exit 77 with --fail-fast
    ├── InvalidEventError an event violates its schema, and --on-invalid is fail          exit 65
    ├── RecordError       the sink refuses this one record for ever: it becomes a dead letter
    ├── SourceError       a source cannot go on                                           exit 1
    └── SinkError         a sink cannot go on                                             exit 1
        ├── FencedError   another bridge writes in our place                              exit 1
        └── OutputError   what we write to is broken: closed pipe, full disk              exit 74
EndOfStream               not an error: a stopped source has handed out its last item
"""

from collections.abc import Sequence
from typing import ClassVar


class BridgeError(Exception):
    """The root. `exit_code` is what the process ends with when nothing else handles the error."""

    exit_code: ClassVar[int] = 1


class TransientError(BridgeError):
    """The same input may succeed later."""


class ConnectError(TransientError):
    """A server cannot be reached: not there, not answering, or closed on us."""

    exit_code = 69  # EX_UNAVAILABLE


class BlockedError(TransientError):
    """A server refuses one record after another, or what must not be dropped: tried again until somebody changes it."""


class TurnLostError(TransientError):
    """Another replica of the group has taken the turn to read. What we did not deliver is its to deliver."""


class PermanentError(BridgeError):
    """The same input would fail again."""


class ConfigError(PermanentError):
    """What the user asked for cannot be done. Holds every problem found, not only the first."""

    exit_code = 78  # EX_CONFIG

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems: tuple[str, ...] = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("; ".join(self.problems))


class CredentialsError(PermanentError):
    """A server refused our credentials or our rights. They may be rotated in: without --fail-fast it is waited for."""

    exit_code = 77  # EX_NOPERM


class InvalidEventError(PermanentError):
    """An event violates its schema, and we were asked to end then. Its delivery is left to the broker."""

    exit_code = 65  # EX_DATAERR


class RecordError(PermanentError):
    """The sink would refuse this record every time (too large, wrong time, broken by policy)."""


class SourceError(PermanentError):
    """A source cannot go on."""


class SinkError(PermanentError):
    """A sink cannot go on; what it did not confirm stays unsettled."""


class FencedError(SinkError):
    """Another bridge has taken our place: it goes on where we got to, and we must not write any more."""


class OutputError(SinkError):
    """Where the lines go is broken: the reader closed the pipe, the disk is full."""

    exit_code = 74  # EX_IOERR


class EndOfStream(Exception):  # noqa: N818 - a state of the stream, as StopIteration is
    """Raised by `Source.read` once the source is stopped (or at its end) and everything it held was handed out."""
