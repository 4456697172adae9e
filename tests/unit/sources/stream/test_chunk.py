"""bridge/sources/stream/chunk.py."""

import pytest

from bridge.errors import ConnectError
from bridge.sources.stream.chunk import Batch, read_batch, read_chunk, unpack
from tests.unit.sources.stream.streaming import batch, chunk, simple


def test_a_chunk_is_read() -> None:
    """Its offsets, its number of entries, where they begin, when it was written, and that its checksum is right."""
    found = read_chunk(b"x" + chunk(7, [simple(b"a"), simple(b"b")], written_ms=1795178793250), 1)
    assert (found.first, found.next, found.messages, found.entries, found.whole) == (7, 9, 2, 2, True)
    assert found.written == (1795178793250).to_bytes(8, "big")
    assert found.data[found.at :] == b"\0\0\0\1a\0\0\0\1b"


def test_a_wrong_checksum_is_noticed() -> None:
    """The chunk is read, and known to be broken."""
    assert not read_chunk(chunk(0, [simple(b"a")], spoilt=True)).whole


@pytest.mark.parametrize(
    "data", [b"", b"P" * 20, b"\x51" + chunk(0, [])[1:], b"P\1" + chunk(0, [])[2:], chunk(0, [b"abc"])[:-1]]
)
def test_what_is_no_chunk_of_messages_is_refused(data: bytes) -> None:
    """Cut short, another magic, another type."""
    with pytest.raises(ConnectError):
        read_chunk(data)


@pytest.mark.parametrize("compression", [0, 1])
def test_a_batch_is_unpacked(compression: int) -> None:
    """Plain and gzip."""
    entry = batch([b"one", b"three"], compression)
    found, after = read_batch(entry + b"next", 0)
    assert after == len(entry)
    assert [data[start:end] for data, start, end in unpack(found)] == [b"one", b"three"]


@pytest.mark.parametrize(
    "found",
    [
        Batch(2, 1, 5, b"\0\0\0\1a"),
        Batch(1, 1, 5, b"no gzip"),
        Batch(0, 2, 5, b"\0\0\0\1a"),
        Batch(0, 1, 5, b"\0\0\0\7a"),
        Batch(1, 1, 1024**3, b""),
        read_batch(batch([b"x" * 100], 1), 0)[0].__class__(1, 1, 3, read_batch(batch([b"x" * 100], 1), 0)[0].data),
    ],
)
def test_a_batch_that_is_none_is_refused(found: Batch) -> None:
    """An unknown compression, a wrong count, a size it does not have: nothing is inflated beyond what it says."""
    with pytest.raises(ValueError, match=r"."):
        unpack(found)


def test_a_batch_that_is_cut_short_is_refused() -> None:
    """There is no head of one."""
    with pytest.raises(ConnectError):
        read_batch(b"\x80\0", 0)
