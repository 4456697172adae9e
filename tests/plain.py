"""
A plugin of pytest: the bridge's modules as they are written, whatever was compiled of them (`pytest -p tests.plain`).

`python -m tests.plain ARGUMENT ...` is the command `celery-bridge` in the same way.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import FileFinder, ModuleSpec, SourceFileLoader
from types import ModuleType


class PlainFinder(MetaPathFinder):
    """Finds the sources of `bridge` and nothing else."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """
        Its spec; None for what is no module below `bridge`, for the next finder to find.

        Raises:
            ModuleNotFoundError: it is one that is not written in Python.
        """
        if not fullname.startswith("bridge."):
            return None
        specs = (FileFinder(entry, (SourceFileLoader, [".py"])).find_spec(fullname) for entry in path or ())
        found = next((spec for spec in specs if spec is not None), None)
        if found is None:
            raise ModuleNotFoundError(f"{fullname} is not plain Python", name=fullname)
        return found


sys.meta_path.insert(0, PlainFinder())

if __name__ == "__main__":
    from bridge.__main__ import main

    main()
