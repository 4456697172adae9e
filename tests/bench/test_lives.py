"""Claims about the tasks that the memory benchmark feeds."""

import json

from bridge.decode import decode
from bridge.model import Delivery
from bridge.validate import Schemas
from tests.bench.lives import STAGES, Lives, lines


def test_every_task_has_a_uuid_of_its_own_and_valid_events() -> None:
    """A whole life each, with a clock and a time that go on."""
    schemas, lives = Schemas.load(), Lives(began=1e9)
    found = [
        event
        for number in range(50)
        for body in lives.events(number)
        for event in decode(Delivery(body, "application/json", "utf-8"))[0]
    ]
    assert [event.type for event in found] == [*STAGES] * 50
    assert len({event.fields["uuid"] for event in found}) == 50
    assert [event.fields["clock"] for event in found] == list(range(1, 201))
    assert [event for event in found if schemas.check(event) is not None] == []
    assert all(event.fields["root_id"] == event.fields["uuid"] for event in found if "root_id" in event.fields)


def test_lines_are_of_so_many_tasks() -> None:
    """One in ten with its whole life, of the others what a worker received."""
    events = [json.loads(line) for line in lines(100, whole_every=10)]
    assert len({event["uuid"] for event in events}) == 100
    assert len(events) == 10 * 4 + 90
    assert sum(event["type"] == "task-received" for event in events) == 100
