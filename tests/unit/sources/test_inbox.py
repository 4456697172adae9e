"""bridge.sources.inbox"""

from hypothesis import given
from hypothesis import strategies as st

from bridge.model import Delivery, Gap
from bridge.sources import MAX_READ_BYTES, MAX_READ_ITEMS
from bridge.sources.inbox import Inbox
from bridge.testing import FakeClock


def numbered(count: int) -> list[Delivery]:
    return [Delivery(b'{"n":%d}' % n, received_at=float(n)) for n in range(count)]


def test_take_keeps_order_and_bounds() -> None:
    """At most MAX_READ_ITEMS at a time, gaps among them, oldest first."""
    inbox = Inbox(FakeClock())
    items = [*numbered(10), Gap("disconnected", 1, 2), *numbered(MAX_READ_ITEMS)]
    inbox.put(items)
    taken = inbox.take()
    assert len(taken) == MAX_READ_ITEMS
    assert taken + inbox.take() == items
    assert inbox.take() == []


def test_take_is_bounded_in_bytes_and_a_larger_one_comes_alone() -> None:
    """Bodies of one take hold MAX_READ_BYTES at most."""
    half, large = Delivery(b"x" * (MAX_READ_BYTES // 2)), Delivery(b"x" * (MAX_READ_BYTES + 1))
    inbox = Inbox(FakeClock())
    inbox.put([half, half, half, large, half])
    assert [inbox.take() for _ in range(4)] == [[half, half], [half], [large], [half]]


def test_without_a_bound_nothing_is_lost() -> None:
    """What the broker keeps for us is bounded by the window, not here."""
    inbox = Inbox(FakeClock())
    inbox.put(numbered(100_000))
    assert sum(len(inbox.take()) for _ in range(100)) == 100_000


def test_overflow_keeps_the_oldest_and_counts_the_rest() -> None:
    """The gap stands behind what was kept; it begins with the last that was kept and ends when there was room again."""
    clock = FakeClock()
    inbox = Inbox(clock)
    inbox.bound(4, 10**9)
    kept = numbered(4)
    inbox.put([*kept, Delivery(b"[1,2,3]"), Delivery(b"[]"), Delivery(b"{}")])
    clock.turn(5)
    assert inbox.take() == kept
    later = Delivery(b"{}")
    inbox.put([later])
    assert inbox.take() == [Gap("overflow", 3.0, clock.now(), lost=4, lost_exact=True), later]


def test_overflow_in_bytes() -> None:
    """The bound of bytes holds as that of items does."""
    inbox = Inbox(FakeClock())
    inbox.bound(10**9, 10)
    inbox.put([Delivery(b"x" * 6), Delivery(b"x" * 6), Delivery(b"{}")])
    assert [type(item) for item in inbox.take()] == [Delivery, Delivery]
    (gap,) = inbox.take()
    assert isinstance(gap, Gap)
    assert gap.lost == 1


def test_overflow_lasts_until_half_is_free() -> None:
    """Else sustained overload would make a gap for every read."""
    inbox = Inbox(FakeClock())
    inbox.bound(2 * MAX_READ_ITEMS + 2, 10**9)
    inbox.put(numbered(2 * MAX_READ_ITEMS + 2))
    inbox.put([Delivery(b"{}")])
    assert len(inbox.take()) == MAX_READ_ITEMS  # 1,002 left: more than half
    inbox.put([Delivery(b"{}")])
    inbox.take()
    (*_, gap) = inbox.take()
    assert isinstance(gap, Gap)
    assert gap.lost == 2


def test_a_lost_message_that_cannot_be_counted_makes_the_number_inexact() -> None:
    """No JSON, compressed, or too large to look into: it counts as one, and the gap says that it is a guess."""
    for body, headers in ((b"no json", {}), (b"{}", {"compression": "gzip"}), (b'"%s"' % (b"x" * 70_000), {})):
        inbox = Inbox(FakeClock())
        inbox.bound(1, 10**9)
        inbox.put([Delivery(b"{}"), Delivery(body, headers=headers)])
        inbox.take()
        (gap,) = inbox.take()
        assert isinstance(gap, Gap)
        assert (gap.lost, gap.lost_exact) == (1, False)


def test_a_reconnect_ends_an_overflow_before_its_own_gap() -> None:
    """Both losses are told, in their order."""
    inbox = Inbox(FakeClock())
    inbox.bound(1, 10**9)
    inbox.put([Delivery(b"{}"), Delivery(b"{}")])
    inbox.put([Gap("disconnected", 1, 2)])
    assert [getattr(item, "reason", None) for item in inbox.take()] == [None, "overflow", "disconnected"]


def test_what_is_forgotten_is_not_taken() -> None:
    """The broker gives it again; a gap is told by nobody else."""
    inbox = Inbox(FakeClock())
    gap, items = Gap("queue-deleted", 1, 2), numbered(3)
    inbox.put([*items[:2], gap, items[2]])
    assert inbox.forget() == items
    assert inbox.take() == [gap]
    assert inbox.forget() == []


@given(st.lists(st.one_of(st.integers(1, 7), st.none()), max_size=60))
def test_every_event_is_taken_or_counted(steps: list[int | None]) -> None:
    """Whatever puts (a number of messages) and takes (None) do: taken and lost are all there were, in order."""
    inbox, sent, taken = Inbox(FakeClock()), 0, []
    inbox.bound(5, 10**9)
    for step in steps:
        if step is None:
            taken += inbox.take()
        else:
            inbox.put([Delivery(b"%d" % n) for n in range(sent, sent + step)])
            sent += step
    while rest := inbox.take():
        taken += rest
    numbers = [int(item.body) for item in taken if isinstance(item, Delivery)]
    assert numbers == sorted(set(numbers))
    expected = 0
    for item in taken:
        if isinstance(item, Gap):
            expected += item.lost or 0
        else:
            assert int(item.body) == expected
            expected += 1
    assert expected == sent


def test_a_bound_of_nothing_is_none() -> None:
    """Bytes alone may be bounded, or items alone; the gap ends when half of what is bounded is free."""
    for bound in ((0, 40), (4, 0)):
        inbox = Inbox(FakeClock())
        inbox.bound(*bound)
        inbox.put([Delivery(b"x" * 10)] * 5)
        assert inbox.take() == [Delivery(b"x" * 10)] * 4
        assert [type(item) for item in inbox.take()] == [Gap]


def test_what_a_delivery_takes_besides_its_body_counts() -> None:
    """A million small bodies fill a memory as well; taking them gives all of it back."""
    inbox = Inbox(FakeClock())
    inbox.bound(0, 1000, overhead=200)
    for _ in range(3):
        inbox.put([Delivery(b"{}")] * 6)
        assert [type(item) for item in inbox.take()] == [Delivery] * 5
        assert [item.lost for item in inbox.take() if isinstance(item, Gap)] == [1]


def test_an_overflow_begins_where_the_source_says_that_all_was_whole() -> None:
    """What is lost was sent before it was read: the last delivery's time may be too late."""
    inbox = Inbox(FakeClock())
    inbox.bound(1, 0)
    inbox.put([Delivery(b"{}", received_at=9.0), Delivery(b"{}", received_at=9.0)], whole_until=7.0)
    inbox.put([Delivery(b"{}", received_at=10.0)], whole_until=8.0)
    inbox.take()
    (gap,) = inbox.take()
    assert isinstance(gap, Gap)
    assert (gap.from_time, gap.lost) == (7.0, 2)
