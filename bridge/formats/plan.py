"""What the native format knows of a type of events, and of what the state adds to them, before it sees the next one."""

from typing import Final

import orjson

from bridge.model import Context, Fields, Names
from bridge.names import CLOCK, HOSTNAME, PID, TIMESTAMP, UTCOFFSET, UUID

Own = int | Names
"""
Which of a plan's names a record has from its event: a bit for each null left out, 1 for the first of `Plan.nullable`,
ENVELOPE_ONLY, or the names.
"""

ENVELOPE_ONLY: Final = -1
"""All others are in `known`."""

APART: Final = -2
"""Its names have to be looked at."""

ENVELOPE: Final = (HOSTNAME, UTCOFFSET, PID, CLOCK, UUID, TIMESTAMP)
"""What every event of a task says, but its type."""

TELLING: Final = frozenset({"task-sent", "task-received"})
"""Types that tell of a task what later events lack; all of it is in `known` when the event was folded."""


class Addition:
    """What the state adds to the records of one plan, when it knows a certain shape of a task in a certain state."""

    __slots__ = ("complete", "names", "nulls", "shape", "state", "tail")

    def __init__(self, nulls: int, context: Context, names: Names | None, tail: bytes) -> None:
        self.nulls = nulls
        """An Own that is no names."""
        self.shape = context.shape
        self.state = context.state
        self.complete = context.complete
        self.names = names
        """Of what is added to the JSON; None: all of `known`."""
        self.tail = tail
        """The end of the record, from the comma to the closing brace."""

    def fits(self, nulls: int, shape: int, state: str, *, complete: bool) -> bool:
        """Whether the record of an event of the plan is such a one."""
        return self.nulls == nulls and self.shape == shape and self.state == state and self.complete == complete


class Plan:
    """What to do with the events of one type, as long as their fields have the same names. See `Event.names`."""

    __slots__ = ("addition", "apart", "extra", "fits", "head", "names", "nullable", "nulls", "tells")

    def __init__(
        self, names: Names, event_type: str, documented: frozenset[str], nullable: frozenset[str], *, fits: bool
    ) -> None:
        type_json = orjson.dumps(event_type).decode()
        self.names = names
        self.head = f'","type":{type_json},"event_time":"'
        """JSON of what stands between event_id and event_time."""
        self.extra = tuple(name for name in names if name not in documented)
        self.fits = fits
        """Whether documented fields always have the types that the record gives them."""
        self.apart = "signum" in names or not fits
        """Whether each event's values say what must be done to its own fields, beside leaving out nulls."""
        self.tells = event_type in TELLING and not self.apart and not self.extra and set(ENVELOPE).issubset(names)
        """Whether `known` may stand for the event's own fields but the envelope."""
        self.nullable = tuple(name for name in names if name in nullable)
        self.nulls = 0
        """Which of them the last event had as nulls, as the next one has nearly always."""
        self.addition: Addition | None = None
        """The last one, which fits the next record nearly always: no key is made and looked up."""


def addition(plan: Plan, own: Own, context: Context) -> Addition:
    """What to add where a record has these of its plan's names from the event itself."""
    own_names = own if isinstance(own, tuple) else plan.names
    if not isinstance(own, tuple) and own != ENVELOPE_ONLY:
        left_out = [name for place, name in enumerate(plan.nullable) if own & 1 << place]
        own_names = tuple(name for name in plan.names if name not in left_out and name not in plan.extra)
    known = context.known
    names = tuple(name for name in known if name not in own_names)
    end: Fields = {"state": context.state}
    if not context.complete:
        end["state_complete"] = False
    if names:
        end["enriched"] = names
    every = own == ENVELOPE_ONLY or len(names) == len(known) > 0
    nulls = APART if isinstance(own, tuple) else own
    return Addition(nulls, context, None if every else names, b",%b" % orjson.dumps(end)[1:])
