"""Equal texts of many tasks are one object, and what is kept for that is bounded."""

import sys

import pytest

from bridge.state.texts import TEXT_LONGEST, TEXTS, TEXTS_KEPT, share


def test_equal_texts_are_one_object() -> None:
    """Each event has its name in a string of its own; a hundred thousand tasks hold one."""
    first, second = "".join(["app", ".add"]), "".join(["app.", "add"])

    assert first is not second
    assert share(first) is share(second)
    assert share(first) is sys.intern("app.add")


def test_texts_kept_are_bounded() -> None:
    """Names come from users: neither many of them nor long ones fill the memory."""
    for number in range(TEXTS_KEPT + 10):
        share(f"app.task{number}")
    long = "x" * (TEXT_LONGEST + 1)

    assert share(long) == long
    assert long not in TEXTS
    assert len(TEXTS) <= TEXTS_KEPT


def test_what_is_no_text_is_refused() -> None:
    """As `sys.intern` does: a schema of the user's may let anything stand for a name."""
    with pytest.raises(TypeError):
        share(5)
