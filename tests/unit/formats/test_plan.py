"""Plans: what is known of a record before its event is looked at."""

from bridge.formats.plan import APART, ENVELOPE_ONLY, Plan, addition
from bridge.model import UNSHAPED, Context
from tests.unit.making import SCHEMAS, received, started


def plan(fields: dict[str, object]) -> Plan:
    """Of an event as it stands."""
    kind = str(fields["type"])
    return Plan(tuple(fields), kind, SCHEMAS.documented(kind), SCHEMAS.nullable(kind), fits=True)


def test_what_the_event_itself_has_is_not_added() -> None:
    """But a name that it had a null of is."""
    of_received = plan(received(1795178793.5))
    context = Context("RECEIVED", {"name": "a", "parent_id": "p", "queue": "q"})
    nulls = {name: 1 << place for place, name in enumerate(of_received.nullable)}

    assert addition(of_received, 0, context).names == ("queue",)
    assert addition(of_received, nulls["parent_id"], context).names == ("parent_id", "queue")
    assert addition(of_received, ENVELOPE_ONLY, context).names is None
    assert addition(of_received, ("name",), context).nulls == APART


def test_addition_fits_equal_shapes_in_equal_states() -> None:
    """All that its bytes depend on is asked."""
    found = addition(plan(started()), 0, Context("STARTED", {"name": "a"}, complete=False, shape=8))

    assert found.fits(0, 8, "STARTED", complete=False)
    assert not found.fits(1, 8, "STARTED", complete=False)
    assert not found.fits(0, 9, "STARTED", complete=False)
    assert not found.fits(0, UNSHAPED, "STARTED", complete=False)
    assert not found.fits(0, 8, "SUCCESS", complete=False)
    assert not found.fits(0, 8, "STARTED", complete=True)
