"""bridge.clients.acks"""

from hypothesis import given
from hypothesis import strategies as st

from bridge.clients.acks import Acks


def test_in_order_the_last_tag_is_acknowledged() -> None:
    """One ack covers a whole batch."""
    acks = Acks()
    assert acks.settle([1, 2, 3]) == 3
    assert acks.settle([4]) == 4


def test_nothing_beyond_a_hole_is_acknowledged() -> None:
    """A `multiple` ack for 3 would settle 2, which is not."""
    acks = Acks()
    assert acks.settle([1, 3]) == 1
    assert acks.settle([4]) is None
    assert acks.left() == [3, 4]
    assert acks.settle([2]) == 4
    assert acks.left() == []


def test_settling_again_changes_nothing() -> None:
    """A tag below the acknowledged ones would be unknown to the broker."""
    acks = Acks()
    acks.settle([1, 2])
    assert acks.settle([1, 2]) is None
    assert acks.left() == []


def test_what_just_comes_next_can_be_settled_at_once() -> None:
    """Only if it is exactly that: the next tags, in order, with nothing settled beyond."""
    acks = Acks(100)
    assert acks.advance([101, 102])
    assert not acks.advance([102, 103])
    assert not acks.advance([104])
    assert not acks.advance([103, 103])
    acks.settle([104])
    assert not acks.advance([103])
    assert acks.settle([103]) == 104


def test_what_was_settled_is_known() -> None:
    """Below the acknowledged tag and beyond it."""
    acks = Acks(100)
    acks.settle([101, 103])
    assert [tag for tag in range(100, 105) if tag in acks] == [100, 101, 103]


@given(st.permutations(range(1, 30)), st.integers(1, 5))
def test_exactly_what_is_settled_is_acknowledged(order: list[int], size: int) -> None:
    """Whatever the order and the batches: never a tag that is not settled, and in the end all of them."""
    acks, settled, reached = Acks(), set(), 0
    for at in range(0, len(order), size):
        settled |= set(order[at : at + size])
        reached = acks.settle(order[at : at + size]) or reached
        assert set(range(1, reached + 1)) <= settled
        assert set(range(1, reached + 1)) | set(acks.left()) == settled
    assert reached == 29
