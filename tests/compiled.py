"""Whether the bridge's hot modules run compiled (`hatch_build.py`), and whether that is what their sources say."""

import runpy
from collections.abc import Callable
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

from bridge import model

ROOT = Path(__file__).parents[1]

COMPILED = str(model.__file__).endswith(tuple(EXTENSION_SUFFIXES))
"""In this process."""

_BUILD: dict[str, Any] = runpy.run_path(str(ROOT / "hatch_build.py"))

MODULES: tuple[str, ...] = _BUILD["MODULES"]
"""Those that can be, as paths from the root."""

library: Callable[[Path], Path] = _BUILD["library"]
stale: Callable[..., list[str]] = _BUILD["stale"]
