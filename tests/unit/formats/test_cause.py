"""Claims about why a task failed, in a few words."""

from typing import Any

import pytest

from bridge.formats.cause import cause, retry
from tests import captures

HEAD = 'Traceback (most recent call last):\n  File "/app/tasks.py", line 9, in pay\n    raise Boom\n'


@pytest.mark.parametrize(
    ("exception", "traceback", "words"),
    [
        ("ValueError('boom')", HEAD + "ValueError: boom\n", "ValueError: boom"),
        ("KeyError()", HEAD + "KeyError\n", "KeyError"),
        ("OSError(5, 'I/O')", HEAD + "OSError: [Errno 5] I/O\n", "OSError: [Errno 5] I/O"),
        ("EncodeError(TypeError('x'))", HEAD + "kombu.exceptions.EncodeError: x\n", "EncodeError: x"),
        ("ExceptionWithTraceback()", HEAD + "celery.exceptions.TimeLimitExceeded: TimeLimitExceeded(2,)\n",
         "TimeLimitExceeded: TimeLimitExceeded(2,)"),
        ("DataError('a\\nb')", HEAD + "psycopg.DataError: a\n  b\n\n  hint: c\n", "DataError: a b hint: c"),
        ("Boom('x')", HEAD + "app.Wrapped: Boom('x')\n", "Boom: x"),
        ("<Unrepresentable <class 'app.Bad'>: RuntimeError('no')>", HEAD + "app.Bad: <exception str() failed>\n",
         "Bad: <exception str() failed>"),
        ("ExceptionGroup('eg', [ValueError(1)])",
         "  + Exception Group Traceback (most recent call last):\n  | ExceptionGroup: eg (1 sub-exception)\n"
         "  +-+---------------- 1 ----------------\n    | ValueError: 1\n    +------------------------------------\n",
         "ExceptionGroup: eg (1 sub-exception)"),
        ("NotRegistered('no.such.task')", None, "NotRegistered: no.such.task"),
        ("Boom('a', 'b')", None, "Boom('a', 'b')"),
        ("two\nlines", None, "two lines"),
        (None, HEAD + "ValueError: boom", "ValueError: boom"),
        (None, None, ""),
        (["odd"], {"odd": 1}, ""),
        ("", "no traceback at all", ""),
    ],
)  # fmt: skip
def test_cause_is_class_and_message(exception: Any, traceback: Any, words: str) -> None:
    """The traceback's own words where it names the exception, else the repr."""
    assert cause(exception, traceback) == words


def test_cause_of_a_message_longer_than_what_is_looked_at_is_the_repr() -> None:
    """60 KB of message push the class out of the traceback's end."""
    text = "y" * 60_000

    assert cause(f"ValueError('{text}')", HEAD + f"ValueError: {text}\n") == f"ValueError: {text}"


@pytest.mark.parametrize(
    ("exception", "traceback", "words"),
    [
        ("OSError(5, 'x')", HEAD + "celery.exceptions.Retry: Retry in 1s: OSError(5, 'x')\n", "in 1s: OSError(5, 'x')"),
        ("None", HEAD + "celery.exceptions.Retry: Retry in 3s\n", "in 3s"),
        ("Retry(Retry(...), OSError(5), 1)", HEAD + "celery.exceptions.Retry: Retry at 2026-11-20\n", "at 2026-11-20"),
        ("None", None, ""),
        ("OSError('gone')", "cut", "OSError: gone"),
    ],
)  # fmt: skip
def test_retry_says_when_and_why(exception: Any, traceback: Any, words: str) -> None:
    """As the last line of the traceback of task-retried says."""
    assert retry(exception, traceback) == words


def test_cause_and_retry_find_words_for_every_captured_event() -> None:
    """No captured failure but the one whose exception is null is left without words, none with a module path."""
    said = {"task-failed": cause, "task-retried": retry}
    told = [
        (event.fields["exception"], said[event.type](event.fields["exception"], event.fields.get("traceback")))
        for path in captures.FILES
        for event in captures.events(path)
        if event.type in said
    ]

    assert len(told) > 100
    assert {exception for exception, words in told if not words} <= {None}
    assert not any(words.startswith(("celery.", "kombu.", "evtasks.", "Retry")) for _, words in told)
