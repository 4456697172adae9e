"""What a schema asks of one value, as objects that only ever say yes: no means that somebody else has to look."""

from collections.abc import Callable, Sequence
from math import inf, nextafter
from struct import Struct
from typing import Final

from bridge import fast
from bridge.model import Fields, Names

_keeps: Final = fast.keeps  # a constant: see bridge.formats.native

FAST_INTEGER: Final = 2**61
"""Compiled code holds integers up to 2**62 in a register; what is larger is rare and left to others."""

EXACT: Final = 2**53
"""Integers up to here are the same as a double."""

MISSING: Final = object()
"""Of no type that a rule accepts."""

ANYTHING, TEXT, WHOLE, NUMBER, TRUTH, NULL_ONLY = range(6)
"""Kinds of rule to `bridge.fast.keeps`; of the last one it only knows whether null keeps it."""

_WHOLES: Final = Struct("=2i2q")
_NUMBERS: Final = Struct("=2i2d")
"""Kind, whether null keeps the rule, the least and the most."""

ORDERS_TRIED: Final = 100
"""Events not asked in the order that was learnt, before that of the last one is learnt instead: two orders that take
turns would be learnt for every event."""


class Rule:
    """Of one value. `nullable`: null keeps it too."""

    __slots__ = ("nullable",)

    def __init__(self, *, nullable: bool) -> None:
        self.nullable = nullable

    def keeps(self, value: object) -> bool:
        """Whether a parsed value surely keeps the rule."""
        raise NotImplementedError

    def asked(self) -> bytes:
        """The same for `bridge.fast.keeps`, as far as it can be asked there."""
        return _WHOLES.pack(NULL_ONLY, self.nullable, 0, 0)


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

    def asked(self) -> bytes:
        """See Rule."""
        kind = TEXT if self.matches is None else NULL_ONLY
        return _WHOLES.pack(kind, self.nullable, self.shortest, self.longest)


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

    def asked(self) -> bytes:
        """See Rule."""
        # Nothing keeps a bound beyond the register's, whichever that is.
        return _WHOLES.pack(WHOLE, self.nullable, min(self.low, FAST_INTEGER + 1), max(self.high, -FAST_INTEGER - 1))


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

    def asked(self) -> bytes:
        """See Rule."""
        return _NUMBERS.pack(NUMBER, self.nullable, self.low, self.high)


class Truth(Rule):
    """True or false."""

    __slots__ = ()

    def keeps(self, value: object) -> bool:
        """See Rule."""
        if type(value) is not bool:
            return value is None and self.nullable
        return True

    def asked(self) -> bytes:
        """See Rule."""
        return _WHOLES.pack(TRUTH, self.nullable, 0, 0)


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
    """
    Of all the fields of an event.

    Learns in which order events have them: those of a type have one, for one version of Celery. Belongs to one thread.
    """

    __slots__ = ("_asked", "_others", "_rules", "_seen", "names")

    def __init__(self, names: Sequence[str], rules: Sequence[Rule], *, unruled: Sequence[str] = ()) -> None:
        """
        Each name with its rule, in one order.

        Args:
            unruled: names of fields that no rule is about.
        """
        self.names: Names = (*names, *unruled)
        """Of all fields that an event has that keeps the rules."""
        self._rules = dict(zip(names, rules, strict=True))
        self._seen: Names = ()
        self._asked = b""
        """Of each name seen, in that order."""
        self._others = ORDERS_TRIED

    def keep(self, fields: Fields) -> bool:
        """Whether the event surely has these fields and no others, and each keeps its rule."""
        return _keeps(fields, self._seen, self._asked) or self._keep_in_any_order(fields)

    def _keep_in_any_order(self, fields: Fields) -> bool:
        if len(fields) != len(self.names):
            return False
        for name, rule in self._rules.items():
            if not rule.keeps(fields.get(name, MISSING)):
                return False
        for name in self.names:
            if name not in fields:
                return False
        self._learn(tuple(fields))
        return True

    def _learn(self, seen: Names) -> None:
        self._others += 1  # also where they are equal names, but other objects: those are not known there
        if self._others > ORDERS_TRIED:
            self._others = 0
            self._seen = seen
            anything = _WHOLES.pack(ANYTHING, True, 0, 0)
            self._asked = b"".join([self._rules[name].asked() if name in self._rules else anything for name in seen])
