"""What the compiler is told."""

import gc

import pytest

from bridge.compiling import mypyc_attr
from bridge.model import Delivery, Event, Record
from bridge.state.task import PLAIN, Task


def test_plain_class_stays_as_it_is() -> None:
    """Where nothing is compiled the decorator does nothing."""

    class Found:
        """Any class."""

    assert mypyc_attr(acyclic=True)(Found) is Found


@pytest.mark.skipif(PLAIN, reason="nothing is compiled here")
def test_collector_does_not_know_what_every_event_makes() -> None:
    """A look passes deliveries, events, records and tasks by; it would take longer with each task."""
    delivery = Delivery(b"")

    made = [delivery, Event("task-sent", {}, delivery, None), Record(b""), Task("a")]

    assert not any(gc.is_tracked(one) for one in made)
