"""bridge/sources/stream/frames.py."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ConnectError
from bridge.sources.stream import commands
from bridge.sources.stream.frames import Frames


def test_frames_are_cut_apart() -> None:
    """Several in one read, one over several reads."""
    frames = Frames()
    data = commands.frame(1, b"one") + commands.frame(2) + commands.frame(3, b"three")
    assert list(frames.feed(data[:20])) == [(1, b"one"), (2, b"")]
    assert list(frames.feed(data[20:24])) == []
    assert list(frames.feed(data[24:])) == [(3, b"three")]


@given(st.lists(st.binary(max_size=20), max_size=10), st.lists(st.integers(0, 300), max_size=10), st.integers(1, 3))
def test_slices_and_stops_change_nothing(payloads: list[bytes], cuts: list[int], most: int) -> None:
    """However the bytes are cut, and wherever the reader stops and goes on, the frames are the same."""
    data = b"".join(commands.frame(8, payload) for payload in payloads)
    frames, found = Frames(), []
    for start, end in pairwise(sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})):
        feed = frames.feed(data[start:end])
        while some := [payload for _, (_, payload) in zip(range(most), feed, strict=False)]:
            found += some
            feed.close()
            feed = frames.feed(b"")
    assert found == payloads


@pytest.mark.parametrize("data", [b"HTTP/1.1 400 Bad Request", b"\0\0\0\1xxxxxxxx", b"AMQP\0\0\x09\x01"])
def test_another_protocol_is_noticed(data: bytes) -> None:
    """It is a ConnectError, not a wait for a gigabyte."""
    with pytest.raises(ConnectError, match="port for streams"):
        list(Frames().feed(data))
