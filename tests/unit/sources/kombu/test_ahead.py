"""Claims about reading ahead of py-amqp."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sources.kombu.ahead import ReadAhead


def peer(*chunks: bytes, asked: list[int] | None = None) -> Callable[[int], bytes]:
    """A socket's recv whose other side sends these chunks and then closes."""
    left = list(chunks)

    def recv(size: int) -> bytes:
        if asked is not None:
            asked.append(size)
        if not left:
            return b""
        chunk = left.pop(0)
        if len(chunk) > size:
            left.insert(0, chunk[size:])
        return chunk[:size]

    return recv


@given(st.lists(st.binary(min_size=1, max_size=50)), st.lists(st.integers(1, 70), min_size=1))
def test_it_gives_the_same_bytes_in_the_same_order(chunks: list[bytes], sizes: list[int]) -> None:
    """However the bytes come and are asked for, none is lost, added or moved, and never more than asked is given."""
    ahead, found = ReadAhead(peer(*chunks)), b""
    while len(found) < len(b"".join(chunks)):
        for size in sizes:
            taken = ahead(size)
            assert len(taken) <= size
            found += taken
    assert found == b"".join(chunks)
    assert ahead(1) == b""


def test_one_call_to_the_socket_serves_many() -> None:
    """What came with one call is handed out before the socket is asked again."""
    asked: list[int] = []
    ahead = ReadAhead(peer(b"abcdef", b"g", asked=asked))
    assert [ahead(1), ahead(2), ahead(9)] == [b"a", b"bc", b"def"]
    assert len(asked) == 1
    assert ahead(9) == b"g"
    assert len(asked) == 2


def test_it_says_whether_it_holds_anything() -> None:
    """Nothing at first, something while bytes are left, nothing when the last is given."""
    ahead = ReadAhead(peer(b"ab"))
    assert not ahead.holds
    ahead(1)
    assert ahead.holds
    ahead(1)
    assert not ahead.holds


def test_a_large_body_is_read_past_the_chunk() -> None:
    """Who asks for more than a chunk gets it from the socket at once."""
    asked: list[int] = []
    ahead = ReadAhead(peer(b"x" * 1_000_000, asked=asked))
    assert len(ahead(1_000_000)) == 1_000_000
    assert asked == [1_000_000]


def test_a_timeout_loses_nothing() -> None:
    """What the socket raises is raised, and the next call goes on where the last one was."""
    calls = iter([b"ab", TimeoutError(), b"cd"])

    def recv(_size: int) -> bytes:
        answer = next(calls)
        if isinstance(answer, TimeoutError):
            raise answer
        return answer

    ahead = ReadAhead(recv)
    assert ahead(2) == b"ab"
    with pytest.raises(TimeoutError):
        ahead(2)
    assert ahead(2) == b"cd"
