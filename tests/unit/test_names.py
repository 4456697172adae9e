"""Names of fields as the parser makes them."""

import orjson

from bridge.names import RECEIVED_FIELDS, SENT_FIELDS, TIMESTAMP, TYPE, UUID, as_parsed


def test_names_are_the_keys_that_the_parser_makes() -> None:
    """A field that is looked up by such a name is found by identity, whatever document it came with."""
    names = as_parsed(TYPE, TIMESTAMP, UUID, *SENT_FIELDS)  # made now: other tests' keys may have taken a place

    parsed = [orjson.loads(b'{"%b":1}' % name.encode()) for name in names]

    assert all(next(iter(fields)) is name for fields, name in zip(parsed, names, strict=True))


def test_names_are_the_texts_that_were_asked_for() -> None:
    """Order and text are those of the arguments, also of names that JSON has to escape."""
    assert as_parsed("b", "a", 'q"', "ä", "") == ("b", "a", 'q"', "ä", "")
    assert SENT_FIELDS[: len(RECEIVED_FIELDS)] == RECEIVED_FIELDS
