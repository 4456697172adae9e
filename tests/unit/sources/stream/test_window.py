"""bridge/sources/stream/window.py."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from bridge.sources.stream.window import Window


def test_one_chunk_is_asked_for_until_its_size_is_known() -> None:
    """It may hold one message or thousands."""
    assert Window(5000, 1000).grant() == 1


def test_what_is_settled_makes_room() -> None:
    """With the window full nothing is asked for; with all settled always one chunk, however large."""
    window = Window(10, 10_000)
    window.grant()
    window.arrived(25, 100)
    assert window.grant() == 0
    window.settled(15, 60)
    assert window.grant() == 0
    window.settled(10, 40)
    assert window.grant() == 1


def test_bytes_bound_it_too() -> None:
    """Messages of half the bound come two at a time."""
    window = Window(5000, 1000)
    window.grant()
    window.arrived(1, 500)
    assert window.grant() == 1
    window.arrived(1, 500)
    assert window.grant() == 0
    assert not window.full
    window.arrived(2, 1000)
    assert window.full


def test_a_new_subscription_begins_anew() -> None:
    """What was asked for over the lost connection never comes; what is unsettled still counts."""
    window = Window(100, 10_000)
    window.grant()
    window.arrived(1, 1)
    window.grant()
    window.restart()
    assert window.grant() == 1
    assert window.items == 1


@given(st.integers(1, 1000), st.lists(st.integers(1, 50), min_size=1, max_size=200))
def test_the_bound_is_kept_but_for_one_chunk_when_chunks_shrink(prefetch: int, sizes: list[int]) -> None:
    """Whatever the sizes: when no chunk is larger than those before it, the excess is less than one chunk."""
    window, queue = Window(prefetch, 10**9), sorted(sizes, reverse=True)
    asked = window.grant()
    while asked and queue:
        size = queue.pop(0)
        asked -= 1
        window.arrived(size, size)
        assert window.items < prefetch + max(sizes)
        asked += window.grant()


@given(
    st.integers(1, 300),
    st.lists(st.integers(0, 50), min_size=1, max_size=200),
    st.lists(st.booleans(), min_size=1, max_size=20),
)
def test_who_stops_where_the_bound_is_reached_exceeds_it_by_one_chunk(
    prefetch: int, sizes: list[int], settling: list[bool]
) -> None:
    """Whatever sizes come after whatever others: the rest waits in the socket, and all of it is read in the end."""
    window, stream, socket = Window(prefetch, 10**9), deque(sizes), deque[int]()
    read = turns = 0
    while stream or socket:
        socket += [stream.popleft() for _ in range(min(window.grant(), len(stream)))]
        while socket and not window.reached:
            size = socket.popleft()
            window.arrived(size, size)
            read += size
        assert window.items < prefetch + max(sizes)
        if settling[turns % len(settling)] or turns > 1000:
            window.settled(window.items, window.bytes)
        turns += 1
        assert turns < 3000
    assert read == sum(sizes)
