"""Texts that many tasks have in common: equal ones are one object. Pure; no I/O."""

from sys import intern
from typing import Final

TEXTS: Final[dict[str, str]] = {}
"""Text -> the one that stands for all equal to it; bounded because names come from users."""

TEXTS_KEPT: Final = 4096

TEXT_LONGEST: Final = 256
"""Characters of one that is kept here, so that all of them have a megabyte at most, and four if none is ASCII."""


def share(text: str) -> str:
    """
    The one object for all equal texts: 100,000 tasks have few names, queues and workers.

    It is the one that `sys.intern` gives, which answers by itself for what is not here; but that is a call by way of
    Python of 350 instructions, where a compiled lookup has 130.
    """
    shared = TEXTS.get(text)
    if shared is None:
        shared = intern(text)
        if len(shared) <= TEXT_LONGEST:
            if len(TEXTS) >= TEXTS_KEPT:
                TEXTS.clear()
            TEXTS[shared] = shared
    return shared
