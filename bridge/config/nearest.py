"""The name that somebody probably meant."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """
    The end of a sentence about an unknown `name`: `; did you mean group?`, or nothing when no name is near.

    Args:
        known: the names there are, 0..n; a mistyped case counts as near.
    """
    names = {one.lower(): one for one in known}
    # 0.6 is difflib's own cut-off: "quorm" finds "quorum", "xyz" finds nothing.
    close = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    return f"; did you mean {names[close[0]]}?" if close else ""
