"""Tasks by uuid, in many small tables."""

from bridge.state.table import SHARDS, Table
from bridge.state.task import Task

TASKS = [Task(f"uuid {number}") for number in range(10 * SHARDS)]


def test_task_is_found_by_its_uuid_until_it_is_removed() -> None:
    """Whichever of the tables it is in; and no other task is found for it."""
    table = Table()
    for task in TASKS:
        table.add(task)

    for task in TASKS[::2]:
        table.remove(task)

    assert [table.get(task.uuid) for task in TASKS[::2]] == [None] * (len(TASKS) // 2)
    assert [table.get(task.uuid) for task in TASKS[1::2]] == TASKS[1::2]
    assert len(table) == len(TASKS) // 2


def test_equal_uuid_of_another_event_finds_the_task() -> None:
    """Each event has its uuid in a string of its own."""
    table = Table()
    table.add(TASKS[0])

    assert table.get("".join(["uuid", " 0"])) is TASKS[0]
    assert table.get("uuid 1") is None
