"""What is compiled does what is written (hatch_build.py)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.compiled import COMPILED, MODULES, ROOT, library, stale

WRITES = """
from hashlib import sha256
from itertools import islice
from bridge import model
from tests.captures import FILES, deliveries
from tests.torture.mutations import broken
from tests.unit.making import pipeline

def tell(name, items, on_invalid="dead-letter"):
    stages = pipeline(topic="t", on_invalid=on_invalid)
    for item in items:
        item.received_at = 1795178800.5
    while items and (made := stages.transform(items)).taken:
        items = items[made.taken:]
        for one in made.records:
            said = repr((one.value, one.key, one.headers, one.timestamp_ms, one.index)).encode()
            print(name, sha256(said).hexdigest(), said[:2000])
        print(name, made.tally, len(stages.state), stages.state.starts)

print(model.__file__)
for path in FILES:
    tell(path.name, [one for _, one in deliveries(path)])
for on_invalid in ("dead-letter", "tag"):
    tell(on_invalid, list(islice(broken(1), 3000)), on_invalid)
"""


def written(*before: str) -> list[str]:
    """Of each capture, what a process of its own makes; the first line says of which modules."""
    code = "\n".join((*before, WRITES))
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def test_every_module_has_a_test_that_runs_twice() -> None:
    """Compiled and as it is written: `make test` finds them by their names."""
    for name in MODULES:
        path = Path("tests/unit", *Path(name).parts[1:])
        assert (ROOT / path.with_name(f"test_{path.name}")).is_file(), name


def test_a_compiler_is_made_use_of(request: pytest.FixtureRequest) -> None:
    """Nobody measures, or is sure of, compiled modules that are not there; and it is all of them or none."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler")
    if request.config.pluginmanager.has_plugin("tests.plain") or not (ROOT / "build" / "compiled").exists():
        pytest.skip("plain modules were asked for")
    assert COMPILED, "see build/compiled.log"
    assert all(library(ROOT / name).is_file() for name in MODULES)


@pytest.mark.skipif(not COMPILED, reason="nothing is compiled here")
def test_both_write_the_same() -> None:
    """Byte for byte, of all captures and of thousands of broken bodies, dead letters and keys included."""
    compiled, plain = written(), written("import tests.plain")
    assert compiled[0].endswith(".so")
    assert plain[0].endswith(".py")
    assert [(one, other) for one, other in zip(compiled[1:], plain[1:], strict=True) if one != other] == []
    assert len(plain) > 3000


def test_a_change_after_compiling_is_noticed(tmp_path: Path) -> None:
    """Else a developer tests what no source says any more."""
    compiled = library(tmp_path / "one.py")
    for path in (tmp_path / "one.py", compiled, tmp_path / "other.py"):
        path.write_text("")
    os.utime(tmp_path / "one.py", (1, 1))
    assert stale(tmp_path, ("one.py", "other.py")) == []
    os.utime(compiled, (0, 0))
    assert stale(tmp_path, ("one.py", "other.py")) == ["one.py"]


def test_a_change_of_what_c_includes_is_noticed(tmp_path: Path) -> None:
    """A header is compiled into each of its sources."""
    source = tmp_path / "one.c"
    for path in (source, tmp_path / "parts.h", library(source)):
        path.write_text("")
    assert stale(tmp_path, ("one.c",)) == []
    os.utime(library(source), (0, 0))
    os.utime(source, (0, 0))
    assert stale(tmp_path, ("one.c",)) == ["one.c"]
