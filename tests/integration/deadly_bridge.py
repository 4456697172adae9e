"""
`celery-bridge`, but that it dies of some bodies: for tests of what becomes of them. Not a test.

    python -m tests.integration.deadly_bridge run ...

Whoever looks into a body that says `deadly` ends at once, as by a fault in a decoder that is no Python.
"""

import os
import sys
from collections.abc import Callable
from typing import Any

import tests.plain  # noqa: F401 - compiled, the stages call one another past any name that is replaced here
from bridge import pipeline
from bridge.cli.main import main
from bridge.model import Delivery, Poison

MARK = b"deadly"
EXIT_CODE = 139
"""What a shell says of a segmentation fault."""


def deadly(decode: Callable[..., Any]) -> Callable[..., Any]:
    """The same decoder, but for what carries the mark."""

    def decoding(delivery: Delivery, *rest: Any) -> Any:
        if MARK in delivery.body and not isinstance(delivery, Poison):
            os._exit(EXIT_CODE)
        return decode(delivery, *rest)

    return decoding


if __name__ == "__main__":
    pipeline.decode = deadly(pipeline.decode)  # type: ignore[attr-defined]
    pipeline.glance = deadly(pipeline.glance)  # type: ignore[attr-defined]
    sys.exit(main())
