"""bridge/sources/stream/commands.py."""

import pytest

from bridge.errors import ConnectError
from bridge.sources.stream import commands
from bridge.sources.stream.commands import Fields, Key


def test_frames_are_what_the_protocol_says() -> None:
    """Byte for byte, of the commands that are sent."""
    assert commands.heartbeat() == b"\0\0\0\4\0\x17\0\1"
    assert commands.request(Key.OPEN, 3, commands.text("/")) == b"\0\0\0\x0b\0\x15\0\1\0\0\0\3\0\1/"
    assert commands.credit(1, 300) == b"\0\0\0\7\0\x09\0\1\1\x01\x2c"
    assert commands.store_offset("g", "s", 5) == b"\0\0\0\x12\0\x0a\0\1\0\1g\0\1s" + b"\0" * 7 + b"\5"
    assert commands.subscribe(1, "s", b"\0\1", 2) == b"\1\0\1s\0\1\0\2\0\0\0\0"
    assert commands.authenticate("PLAIN", b"\0a\0b") == b"\0\5PLAIN\0\0\0\4\0a\0b"
    assert commands.close(1, "bye") == b"\0\1\0\3bye"
    assert commands.query_offset("g", "s") == b"\0\1g\0\1s"
    assert commands.metadata("s") == b"\0\0\0\1\0\1s"
    assert commands.tune(1, 2) == b"\0\0\0\1\0\0\0\2"


def test_fields_are_read_in_turn() -> None:
    """Numbers, strings, lists and maps of strings."""
    fields = Fields(b"\0\1\0\0\0\2" + b"\0" * 7 + b"\3\0\1a" + b"\0\0\0\1\0\1b" + commands.properties({"k": "v"}))
    assert (fields.u16(), fields.u32(), fields.u64(), fields.text()) == (1, 2, 3, "a")
    assert fields.texts() == ["b"]
    assert fields.properties() == {"k": "v"}


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\5ab"])
def test_fields_that_are_cut_short_are_refused(data: bytes) -> None:
    """A server that speaks something else is a ConnectError."""
    with pytest.raises(ConnectError, match="cut short"):
        Fields(data).text()
