"""bridge/sources/stream/place.py."""

from datetime import UTC, datetime

import pytest

from bridge.sources.stream.place import Place, read_place

SECOND = datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC)
IN_MILLIS = b"\0\5" + b"\0" * 6 + b"\x07\xd0"


@pytest.mark.parametrize(
    ("text", "expected", "specification", "argument"),
    [
        ("oldest", Place("oldest"), b"\0\1", "first"),
        (" NEXT ", Place("next"), b"\0\3", "next"),
        ("17", Place("offset", 17), b"\0\4" + b"\0" * 7 + b"\x11", 17),
        ("1970-01-01T00:00:02Z", Place("time", 2000), IN_MILLIS, SECOND),
        ("1970-01-01T01:00:02+01:00", Place("time", 2000), IN_MILLIS, SECOND),
        ("1970-01-01 00:00:02", Place("time", 2000), IN_MILLIS, SECOND),
    ],
)  # fmt: skip
def test_a_place_is_read_and_said_in_both_protocols(
    text: str, expected: Place, specification: bytes, argument: object
) -> None:
    """By word, offset or time."""
    place = read_place(text)
    assert place == expected
    assert place.specification() == specification
    assert place.argument() == argument


@pytest.mark.parametrize("text", ["", "newest", "-1", "99999999999999999999", "yesterday", "1960-01-01"])
def test_what_is_no_place_is_refused(text: str) -> None:
    """The text is the end of a sentence."""
    with pytest.raises(ValueError, match=r"none of|before 1970"):
        read_place(text)


def test_places_are_told_apart() -> None:
    """As text and as number, in 56 bits; next is another one each time."""
    places = [Place("oldest"), Place("offset", 7), Place("offset", 8), Place("time", 7), Place("next")]
    assert [place.text for place in places] == ["oldest", "offset 7", "offset 8", "time 7", "next"]
    *numbers, never = [place.number for place in places]
    assert never is None
    assert len(set(numbers)) == len(numbers)
    assert read_place("9999-12-31T00:00:00Z").number == 2**55 | 253402214400000
    assert Place("offset", 2**63 - 1).number == 2**55 - 1


def test_the_oldest_message_is_where_no_position_begins() -> None:
    """Where nothing is remembered, reading begins there too."""
    assert Place("oldest").number == Place("offset", 0).number == 0
