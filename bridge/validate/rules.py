"""What a schema asks of one value, as objects that only ever say yes: no means that somebody else has to look."""

from collections.abc import Callable, Sequence
from math import inf, nextafter
from typing import Final

from bridge.model import Fields, Names

FAST_INTEGER: Final = 2**61
"""Compiled code holds integers up to 2**62 in a register; what is larger is rare and left to others."""

EXACT: Final = 2**53
"""Integers up to here are the same as a double."""

MISSING: Final = object()
"""Of no type that a rule accepts."""


class Rule:
    """Of one value. `nullable`: null keeps it too."""

    __slots__ = ("nullable",)

    def __init__(self, *, nullable: bool) -> None:
        self.nullable = nullable

    def keeps(self, value: object) -> bool:
        """Whether a parsed value surely keeps the rule."""
        raise NotImplementedError


class Text(Rule):
    """
    A string of so many characters.

    Args:
        matches: what its pattern says of it; None: any will do.
    """

    __slots__ = ("bounded", "longest", "matches", "shortest")

    def __init__(
        self, *, nullable: bool, shortest: int, longest: int | None, matches: Callable[[str], object] | None
    ) -> None:
        self.nullable = nullable
        self.shortest = shortest
        self.longest = FAST_INTEGER if longest is None else longest
        self.matches = matches
        self.bounded = longest is not None or matches is not None

    def keeps(self, value: object) -> bool:
        """See Rule."""
        if not isinstance(value, str):
            return value is None and self.nullable
        if not self.bounded:
            return len(value) >= self.shortest
        if not self.shortest <= len(value) <= self.longest:
            return False
        matches = self.matches
        return matches is None or bool(matches(value))


class Whole(Rule):
    """An integer. 5.0 is one too, to JSON Schema, and left to others."""

    __slots__ = ("high", "low")

    def __init__(self, *, nullable: bool, low: int | None, high: int | None) -> None:
        self.nullable = nullable
        self.low = -FAST_INTEGER if low is None else max(low, -FAST_INTEGER)
        self.high = FAST_INTEGER if high is None else min(high, FAST_INTEGER)

    def keeps(self, value: object) -> bool:
        """See Rule."""
        if type(value) is not int:  # True is an instance of int
            return value is None and self.nullable
        return self.low <= value <= self.high


class Number(Rule):
    """Any number. Bounds that it must not be are the next double."""

    __slots__ = ("high", "low")

    def __init__(self, *, nullable: bool, above: float = -inf, low: float = -inf, high: float = inf) -> None:
        self.nullable = nullable
        self.low = max(float(low), nextafter(float(above), inf) if above > -inf else -inf)
        self.high = float(high)

    def keeps(self, value: object) -> bool:
        """See Rule."""
        if type(value) is float:
            number: float = value
            return self.low <= number <= self.high
        if type(value) is int:
            whole: int = value
            return -EXACT <= whole <= EXACT and self.low <= float(whole) <= self.high
        return value is None and self.nullable


class Truth(Rule):
    """True or false."""

    __slots__ = ()

    def keeps(self, value: object) -> bool:
        """See Rule."""
        if type(value) is not bool:
            return value is None and self.nullable
        return True


class Several(Rule):
    """A list of one length, each item under the same rule."""

    __slots__ = ("item", "length")

    def __init__(self, *, nullable: bool, item: Rule, length: int) -> None:
        self.nullable = nullable
        self.item = item
        self.length = length

    def keeps(self, value: object) -> bool:
        """See Rule."""
        if not isinstance(value, list):
            return value is None and self.nullable
        if len(value) != self.length:
            return False
        for item in value:  # noqa: SIM110 - a generator costs more than the loop
            if not self.item.keeps(item):
                return False
        return True


class Rules:
    """Of all the fields of an event."""

    __slots__ = ("_count", "_names", "_rules", "names")

    def __init__(self, names: Sequence[str], rules: Sequence[Rule], *, unruled: Sequence[str] = ()) -> None:
        """
        Each name with its rule, in one order.

        Args:
            unruled: names of fields that no rule is about.
        """
        self.names: Names = (*names, *unruled)
        """Of all fields that an event has that keeps the rules."""
        self._names = list(names)
        self._rules = list(rules)
        self._count = len(self.names)

    def keep(self, fields: Fields) -> bool:
        """Whether the event surely has these fields and no others, and each keeps its rule."""
        if len(fields) != self._count:
            return False
        names = self._names
        for place, rule in enumerate(self._rules):  # noqa: SIM110 - as above
            if not rule.keeps(fields.get(names[place], MISSING)):
                return False
        return True
