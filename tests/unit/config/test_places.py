"""bridge.config.places: the rows of ends and queue."""

import pytest

from bridge.config import OPTIONS
from bridge.config.kinds import Word
from bridge.config.options import options_of
from bridge.config.places import Places


def test_its_rows_are_the_first_of_the_table() -> None:
    """Help, documentation and printed configuration begin with the ends and the queue."""
    rows = options_of(Places)

    assert [row.key for row in rows] == [row.key for row in OPTIONS[: len(rows)]]
    assert {row.section for row in rows} == {"Ends", "Queue"}


@pytest.mark.parametrize("name", ["a", "prod-1.x_Y", "x" * 200, "stream"])
def test_group_names(name: str) -> None:
    """What may stand in a queue's name."""
    assert group_kind().read(Word(name)) == name


@pytest.mark.parametrize("name", ["", "a b", "a/b", "ä", "x" * 201, "a.stream", "b.collect"])
def test_no_group_names(name: str) -> None:
    """A name that another queue type of a group would have, or that the broker could not hold, is refused."""
    with pytest.raises(ValueError, match="1 to 200"):
        group_kind().read(Word(name))


def group_kind():  # type: ignore[no-untyped-def]
    return next(row.kind for row in OPTIONS if row.key == "group")
