"""
The bridge, as its command runs it, and its event loop writes down now and then how many asyncio tasks it has.

    python -P watched.py FILE ARGUMENTS

`-P` and the file's path: the modules beside it are not to be found as top-level ones.
"""

import asyncio
import sys
from collections.abc import Coroutine
from contextvars import Context
from pathlib import Path
from typing import Any, TypeVar

from bridge.cli.main import main

T = TypeVar("T")

_EVERY_SECONDS = 0.5


class Watched(asyncio.Runner):
    """Writes to `file` for as long as it runs."""

    file: Path

    def run(self, coro: Coroutine[Any, Any, T], *, context: Context | None = None) -> T:
        """As asyncio's."""
        loop = self.get_loop()

        def write_down() -> None:
            self.file.write_text(f"{len(asyncio.all_tasks(loop))}\n")
            loop.call_later(_EVERY_SECONDS, write_down)

        loop.call_soon(write_down)
        return super().run(coro, context=context)


if __name__ == "__main__":
    Watched.file = Path(sys.argv.pop(1))
    asyncio.Runner = Watched  # type: ignore[misc]
    sys.exit(main())
