"""Stage: which events are delivered. Runs after the state has folded the event, so nothing it filters is forgotten."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import translate

from bridge.model import Context, Event


@dataclass(frozen=True, slots=True)
class Patterns:
    """Shell patterns (`*`, `?`, `[a-z]`, case matters) for one property of an event; none at all passes everything."""

    wanted: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()


class Filter:
    """
    Passes an event that matches one wanted pattern of each kind that has any, and none of the unwanted.

    The task's name is the event's own or the one the state knows; an event without a name (a worker's, a task's whose
    beginning was not seen) passes no `--task`, and every `--not-task`. The worker of `task-sent` is the client that
    sent it.
    """

    def __init__(self, types: Patterns, tasks: Patterns, workers: Patterns) -> None:
        self._types = compiled(types)
        self._tasks = compiled(tasks)
        self._workers = compiled(workers)
        self.passes_all = types == tasks == workers == Patterns()

    def __call__(self, event: Event, context: Context) -> bool:
        """Whether the event is delivered. Pure; never raises."""
        if self.passes_all:
            return True
        name = event.fields.get("name") if event.type in ("task-sent", "task-received") else None
        return (
            passes(self._types, event.type)
            and passes(self._tasks, name or context.known.get("name"))
            and passes(self._workers, event.fields.get("hostname"))
        )


Compiled = tuple[re.Pattern[str] | None, re.Pattern[str] | None]


def compiled(patterns: Patterns) -> Compiled:
    """One regular expression each for what is wanted and what is not; None where there is no pattern."""
    wanted, unwanted = (any_of(group) for group in (patterns.wanted, patterns.unwanted))
    return wanted, unwanted


def any_of(patterns: Sequence[str]) -> re.Pattern[str] | None:
    """A regular expression for "one of these shell patterns"."""
    return re.compile("|".join(translate(pattern) for pattern in patterns)) if patterns else None


def passes(patterns: Compiled, value: object) -> bool:
    """Whether a value (None: the event has none) is wanted and not unwanted."""
    wanted, unwanted = patterns
    if not isinstance(value, str):
        return wanted is None
    return (wanted is None or wanted.match(value) is not None) and (unwanted is None or unwanted.match(value) is None)
