"""
Compiles the modules that every event passes, with mypyc, and `bridge/fast`, where there is a C compiler: an event then
takes half the instructions. All of it is there in plain Python too, which does the same where nothing was compiled.

hatchling calls `Compiled` when it builds a wheel (`pip install .`; HATCH_BUILD_NO_HOOKS=true leaves it out). In a
checkout, `python hatch_build.py` puts what it compiles beside the sources; `make test` does so when one has changed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MODULES = (
    "bridge/clients/acks.py",
    "bridge/clock.py",
    "bridge/decode/body.py",
    "bridge/decode/events.py",
    "bridge/decode/glance.py",
    "bridge/decode/text.py",
    "bridge/encode.py",
    "bridge/enrich.py",
    "bridge/formats/native.py",
    "bridge/formats/plan.py",
    "bridge/headers.py",
    "bridge/identify.py",
    "bridge/loss.py",
    "bridge/model.py",
    "bridge/names.py",
    "bridge/pipeline.py",
    "bridge/sinks/kafka/batch.py",
    "bridge/sinks/kafka/partition.py",
    "bridge/sinks/kafka/spread.py",
    "bridge/sources/amqp/arrivals.py",
    "bridge/sources/amqp/frames.py",
    "bridge/sources/amqp/properties.py",
    "bridge/sources/amqp/window.py",
    "bridge/sources/inbox.py",
    "bridge/sources/redis/envelope.py",
    "bridge/sources/redis/replies.py",
    "bridge/sources/stream/entries.py",
    "bridge/sources/stream/envelope.py",
    "bridge/sources/stream/settled.py",
    "bridge/state/cluster.py",
    "bridge/state/line.py",
    "bridge/state/precedence.py",
    "bridge/state/table.py",
    "bridge/state/task.py",
    "bridge/state/texts.py",
    "bridge/state/worker.py",
    "bridge/validate/rules.py",
    "bridge/validate/schemas.py",
    "bridge/weight.py",
)
"""One unit: what one calls of another is a call in C. Pure and typed code only; whoever waits for I/O gains nothing."""

IN_C = (
    "bridge/fast/_identity.c",
    "bridge/fast/_json.c",
    "bridge/fast/_kafka.c",
    "bridge/fast/_read.c",
    "bridge/fast/_rules.c",
    "bridge/fast/_record.c",
)
"""Written in C: what Python's means are slow at whoever compiles them. `bridge/fast/plain.py` does the same."""

ROOT = Path(__file__).parent

_SUFFIX = EXTENSION_SUFFIXES[0]
"""With the Python's version and the machine in it."""


class Compiled(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the compiled modules to a wheel, which is then one of this Python and this machine."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it packs; a wheel without them is as good, but slower."""
        if self.target_name != "wheel" or version == "editable":
            return
        into = ROOT
        if not _fresh():
            into = Path(self.directory) / "compiled"
            made = subprocess.run(  # a process of its own: mypyc ends the one that it is called in
                [sys.executable, __file__, str(into)], cwd=self.root, capture_output=True, text=True, check=False
            )
            if made.returncode:
                self.app.display_warning(f"nothing was compiled, plain modules are packed alone: {made.stderr[-2000:]}")
                return
        for path in _libraries(into):
            build_data["force_include"][str(path)] = str(path.relative_to(into))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True


def _libraries(root: Path) -> list[Path]:
    """What was compiled there for this Python: one for each module, and the one that they share."""
    return [*root.glob(f"bridge__mypyc{_SUFFIX}"), *Path(root, "bridge").rglob(f"*{_SUFFIX}")]


def library(source: Path) -> Path:
    """Where what was compiled of a module for this Python lies."""
    return source.with_suffix(_SUFFIX)


def stale(root: Path = ROOT, modules: Sequence[str] = (*MODULES, *IN_C)) -> list[str]:
    """Modules that changed after they were compiled: what runs is not what their sources say."""
    sources = [(name, root / name) for name in modules if library(root / name).exists()]
    return [name for name, source in sources if library(source).stat().st_mtime < _changed(source)]


def _changed(source: Path) -> float:
    """When the source, or what one in C includes, was last changed."""
    headers = source.parent.glob("*.h") if source.suffix == ".c" else ()
    return max(path.stat().st_mtime for path in (source, *headers))


def _fresh() -> bool:
    """Whether the checkout holds all that can be compiled, for this Python and not older than its sources."""
    return all(library(ROOT / name).exists() for name in (*MODULES, *IN_C)) and not stale()


def main() -> int:
    """Compile into the folder that is given, or beside the sources. The exit code."""
    into = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT
    for old in _libraries(into):
        old.unlink()  # first: when this fails, the sources are what runs
    with tempfile.TemporaryDirectory() as made:
        _compile(Path(made))
        for path in Path(made, "lib").rglob("*.so"):
            target = into / path.relative_to(Path(made, "lib"))
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    return 0


def _compile(made: Path) -> None:
    from mypyc.build import mypycify
    from setuptools import Distribution, Extension
    from setuptools.command.build_ext import build_ext

    options = ["--config-file=", "--ignore-missing-imports", *MODULES]
    extensions = mypycify(
        options, target_dir=str(made / "c"), opt_level="2", debug_level="0", group_name="bridge", multi_file=True
    )
    for name in IN_C:
        extensions.append(Extension(name.removesuffix(".c").replace("/", "."), [name], extra_compile_args=["-O2"]))
    command = build_ext(Distribution({"ext_modules": extensions}))
    command.build_lib, command.build_temp = str(made / "lib"), str(made / "o")
    command.parallel = os.cpu_count()
    command.ensure_finalized()
    command.run()


if __name__ == "__main__":
    sys.exit(main())
