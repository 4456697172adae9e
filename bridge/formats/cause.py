"""Why a task failed or is tried again, in a few words, out of the two texts that Celery sends."""

import re

# A traceback may be 60 KB; its last lines, which name the exception, are looked at.
_TRACEBACK_TAIL = 4096

_CLASS = re.compile(r"<?(?:Unrepresentable <class '(?:\w+\.)*)?(\w+)")
_ONE_TEXT = re.compile(r"""(\w+)\((['"])([^'"\\]*)\2,?\)""")
_LAST_LINE = re.compile(r"(?:\w+\.)*(\w+)(?:: (.*))?")
_RETRY = re.compile(r"^celery\.exceptions\.Retry: Retry (.*)", re.MULTILINE | re.DOTALL)


def cause(exception: object, traceback: object) -> str:
    """
    `ValueError: boom`: the class without its module, and the message, all white space single spaces.

    `exception` is a repr, or "ExceptionWithTraceback()" (celery 5.3 to 5.7, hard time limit and lost workers), or
    "<Unrepresentable ...>"; then only the end of the traceback tells the truth. Source: captured events.

    Args:
        exception: the event's; of any type, only text is used.
        traceback: the event's; of any type, only text is used.

    Returns:
        One line; empty when nothing is known.

    Raises:
        Nothing.
    """
    said = exception if isinstance(exception, str) else ""
    if isinstance(traceback, str):
        tail = traceback[-_TRACEBACK_TAIL:].rstrip()
        found = _CLASS.match(said)
        told = _from_traceback(tail, found[1] if found else "")
        if told:
            return _one_line(told)
    simple = _ONE_TEXT.fullmatch(said)
    return _one_line(f"{simple[1]}: {simple[3]}" if simple else said)


def _from_traceback(tail: str, name: str) -> str:
    """The traceback's own words about the exception called `name`; empty when it does not name it."""
    last = _LAST_LINE.fullmatch(tail.rpartition("\n")[2])
    if name in {"", "ExceptionWithTraceback"}:
        return _words(last) if last else ""
    if last and last[1] == name:
        return _words(last)
    begins = list(re.finditer(rf"^([ |]*)(?:\w+\.)*({name}(?:: |\s|$))", tail, re.MULTILINE))
    if not begins:
        return ""
    begin = begins[-1]
    words = tail[begin.start(2) :]
    return words.partition("\n")[0] if begin[1] else words  # a group goes on with the exceptions inside it


def _words(line: re.Match[str]) -> str:
    return f"{line[1]}: {line[2]}" if line[2] else line[1]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def retry(exception: object, traceback: object) -> str:
    """
    `in 5s: OSError(5, 'I/O error')`: when and why a task is tried again, as the traceback of task-retried ends.

    Args and errors are those of `cause`, which answers where the traceback does not say.
    """
    if isinstance(traceback, str) and (found := _RETRY.search(traceback, max(0, len(traceback) - _TRACEBACK_TAIL))):
        return _one_line(found[1])
    return "" if exception == "None" else cause(exception, traceback)
