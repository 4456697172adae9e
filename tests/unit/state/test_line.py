"""Who leaves first."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.state.line import Line
from bridge.state.task import Task


def uuids(line: Line) -> list[str]:
    """Of all in the line, the one touched last at the end."""
    return [task.uuid for task in line.newest_first()][::-1]


def test_new_line_is_empty() -> None:
    """Nobody stands in it, and nobody leaves first."""
    line = Line()

    assert uuids(line) == []
    assert line.oldest is None


def test_task_that_was_taken_out_may_stand_in_another_line() -> None:
    """It forgets its neighbours, and they it."""
    running, over = Line(), Line()
    tasks = [Task(uuid) for uuid in "abc"]
    for task in tasks:
        running.append(task)

    running.remove(tasks[1])
    over.append(tasks[1])

    assert uuids(running) == ["a", "c"]
    assert uuids(over) == ["b"]
    assert over.oldest is tasks[1]
    assert (tasks[1].older, tasks[1].newer) == (None, None)


@given(st.lists(st.tuples(st.sampled_from(["append", "touch", "remove"]), st.integers(0, 5))))
def test_line_is_the_order_of_touching(steps: list[tuple[str, int]]) -> None:
    """Whatever comes, and leaves, from either end or between: as a list that is searched through."""
    line, tasks, expected = Line(), [Task(str(number)) for number in range(6)], list[str]()
    for step, number in steps:
        task, stands = tasks[number], str(number) in expected
        if stands:
            expected.remove(task.uuid)
        if step == "remove":
            if stands:
                line.remove(task)
            continue
        (line.touch if stands else line.append)(task)
        expected.append(task.uuid)

    assert uuids(line) == expected
    assert (line.oldest.uuid if line.oldest else None) == (expected[0] if expected else None)
