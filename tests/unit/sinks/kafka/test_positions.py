"""Unit tests of bridge.sinks.kafka.positions (reading them back: tests/integration/test_kafka_positions.py)."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import SinkError
from bridge.sinks.kafka.positions import Begun, Stored, parse


@given(
    position=st.none() | st.binary(),
    writer=st.text(alphabet="0123456789abcdef"),
    transaction=st.integers(0, 2**40),
    begun=st.builds(Begun, st.integers(0, 100), st.text()),
)
def test_what_was_stored_is_read_back(position: bytes | None, writer: str, transaction: int, begun: Begun) -> None:
    """Whatever bytes a source's positions are."""
    stored = Stored(position, writer, transaction, begun)
    record = stored.record("t.positions", "celery-bridge.celery.default", 1000)
    assert parse(record.value) == stored
    assert (record.topic, record.key, record.events) == ("t.positions", b"celery-bridge.celery.default", 0)


def test_who_began_is_counted_at_one_place() -> None:
    """The last one; taken back it is as if nobody had, and never less."""
    begun = Begun(2).plus(Begun(1))
    assert begun == Begun(3)
    assert begun.plus(Begun(1, "oldest")) == Begun(1, "oldest")
    assert Begun(2, "oldest").plus(Begun(-1, "oldest")) == Begun(1, "oldest")
    assert Begun(1, "oldest").plus(Begun(-1, "oldest")) == Begun(0).plus(Begun(-1)) == Begun()


def test_a_count_of_a_version_that_knew_no_places_is_of_the_position() -> None:
    """It is still known."""
    found = parse(b'{"version":1,"position":"1","writer":"w","transaction":0,"begun":4}')
    assert found is not None
    assert found.begun == Begun(4)


def test_text_can_be_read_by_people() -> None:
    """Most sources' positions are."""
    fields = orjson.loads(Stored(b"12345", "w", 3).record("t", "id", 0).value)
    assert fields == {"version": 1, "position": "12345", "writer": "w", "transaction": 3}


def test_tombstone_is_no_position() -> None:
    """It was forgotten on purpose."""
    assert parse(None) is None


def test_later_version_is_not_guessed_at() -> None:
    """Better no bridge than one that begins in the wrong place."""
    with pytest.raises(SinkError, match="of version 2"):
        parse(b'{"version":2,"position":"1","writer":"w","transaction":0}')


@pytest.mark.parametrize(
    "value", [b"", b"7", b"[]", b"{}", b'{"version":1}', b'{"version":1,"position":7,"writer":"w","transaction":0}',
              b'{"version":1,"position_b64":"%","writer":"w","transaction":0}']
)  # fmt: skip
def test_what_is_no_position_says_so(value: bytes) -> None:
    """Somebody else wrote to our topic."""
    with pytest.raises(SinkError, match="what is stored as our position is none"):
        parse(value)
