"""Dead letters that are alike."""

from bridge.letters import Groups, Letter
from bridge.letters.groups import EXAMPLES_KEPT, GROUPS_KEPT, OTHER
from bridge.model import Delivery


def letter(number: int, *, path: str = "/uuid", indexes: tuple[int, ...] = (), at: float | None = None) -> Letter:
    """One that failed there."""
    return Letter(f"line {number}", "c", "schema", f"e{number}", path, "s.json", indexes, at, Delivery(b"x"), 1)


def test_letters_of_one_place_are_one_group() -> None:
    """Counted in letters and in events, from the earliest to the latest, with some places and the first error."""
    groups = Groups()
    for number, at in enumerate((5.0, None, 2.0, 9.0, 3.0)):
        groups.add(letter(number, indexes=(1, 2), at=at))
    (group,) = groups.most_first()
    assert (group.letters, group.events, group.first, group.last, group.cut) == (5, 10, 2.0, 9.0, 0)
    assert (group.error, group.examples) == ("e0", [f"line {number}" for number in range(EXAMPLES_KEPT)])


def test_groups_of_most_events_come_first() -> None:
    """Whoever repairs begins there."""
    groups = Groups()
    groups.add(letter(1, path="/a"))
    groups.add(letter(2, path="/b", indexes=(1, 2, 3)))
    assert [group.path for group in groups.most_first()] == ["/b", "/a"]


def test_paths_of_any_number_take_bounded_memory() -> None:
    """They are made of the sender's names: past the bound they share a group."""
    groups = Groups()
    for number in range(GROUPS_KEPT + 5):
        groups.add(letter(number, path=f"/{number}"))
    found = groups.most_first()
    assert len(found) == GROUPS_KEPT + 1
    assert (found[0].path, found[0].letters) == (OTHER, 5)


def test_cut_letters_are_counted() -> None:
    """They cannot be sent again."""
    one = letter(1)
    one.body_bytes = 5
    groups = Groups()
    groups.add(one)
    assert groups.most_first()[0].cut == 1
