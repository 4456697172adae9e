"""bridge/sources/stream/frames.py."""

import pytest

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


@pytest.mark.parametrize("data", [b"HTTP/1.1 400 Bad Request", b"\0\0\0\1xxxxxxxx", b"AMQP\0\0\x09\x01"])
def test_another_protocol_is_noticed(data: bytes) -> None:
    """It is a ConnectError, not a wait for a gigabyte."""
    with pytest.raises(ConnectError, match="port for streams"):
        list(Frames().feed(data))
