"""Dead letters that are alike: why, where, how often, from when to when."""

from dataclasses import dataclass, field

from bridge.letters.letter import Letter

GROUPS_KEPT = 1000
"""A path is made of the sender's own names, so there may be any number; what comes later shares one group a reason."""

EXAMPLES_KEPT = 3

OTHER = "…"
"""In the place of the paths that there are too many of."""


@dataclass(slots=True)
class Group:
    """Letters of one cluster that failed for one reason, of one schema, at one place."""

    cluster: str
    reason: str
    schema: str
    path: str
    error: str
    """Of the first of them."""
    letters: int = 0
    events: int = 0
    cut: int = 0
    """Letters that hold a part of their body only, and cannot be sent again."""
    first: float | None = None
    """When the earliest was read from its broker, in seconds since the epoch, UTC; None where no letter says it."""
    last: float | None = None
    examples: list[str] = field(default_factory=list)
    """Where the first of them are."""

    def add(self, letter: Letter) -> None:
        """Count one."""
        self.letters += 1
        self.events += letter.events
        self.cut += not letter.is_whole
        if letter.at is not None:
            self.first = letter.at if self.first is None else min(self.first, letter.at)
            self.last = letter.at if self.last is None else max(self.last, letter.at)
        if len(self.examples) < EXAMPLES_KEPT:
            self.examples.append(letter.where)


class Groups:
    """Collects letters into groups; bounded, whatever they say."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str, str, str], Group] = {}

    def add(self, letter: Letter) -> None:
        """Count one."""
        key = letter.cluster, letter.reason, letter.schema, letter.path
        if key not in self._groups and len(self._groups) >= GROUPS_KEPT:
            key = "", letter.reason, "", OTHER
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(*key, letter.error)
        group.add(letter)

    def most_first(self) -> list[Group]:
        """All groups, those of the most events first."""
        return sorted(self._groups.values(), key=lambda group: -group.events)
