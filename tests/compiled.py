"""Whether the bridge's hot modules run compiled (`hatch_build.py`), and whether that is what their sources say."""

import runpy
from collections.abc import Sequence
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from bridge import model

ROOT = Path(__file__).parents[1]

COMPILED = str(model.__file__).endswith(tuple(EXTENSION_SUFFIXES))
"""In this process."""

MODULES: tuple[str, ...] = runpy.run_path(str(ROOT / "hatch_build.py"))["MODULES"]
"""Those that can be, as paths from the root."""


def libraries(source: Path) -> list[Path]:
    """What was compiled of a module for any Python; none or one of each."""
    return sorted(source.parent.glob(f"{source.stem}.*.so"))


def stale(root: Path = ROOT, modules: Sequence[str] = MODULES) -> list[str]:
    """Modules that changed after they were compiled: what runs is not what their sources say."""
    return [
        name
        for name in modules
        if any(library.stat().st_mtime < (root / name).stat().st_mtime for library in libraries(root / name))
    ]
