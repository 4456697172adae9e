"""What `pip install` puts on a machine."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.compiled import COMPILED

ROOT = Path(__file__).parents[2]
SCHEMAS = {path.name for path in (ROOT / "schemas").glob("*.json")}


def build(kind: str, into: Path, *, checkout: Path = ROOT, compiled: bool = False) -> Path:
    """The distribution of a checkout, built without network by the pinned backend."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", str(into)]
    environment = os.environ | ({} if compiled else {"HATCH_BUILD_NO_HOOKS": "true"})
    subprocess.run(command, cwd=checkout, check=True, capture_output=True, timeout=60, env=environment)
    (made,) = into.glob("celery_event_bridge-*")
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built once."""
    return build("wheel", tmp_path_factory.mktemp("wheel"))


def test_wheel_holds_every_schema(wheel: Path) -> None:
    """bridge/schemas is a link in the checkout; installed, the files are there."""
    held = zipfile.ZipFile(wheel).namelist()
    assert len(SCHEMAS) >= 16
    assert {name.rpartition("/")[2] for name in held if name.startswith("bridge/schemas/")} == SCHEMAS


def test_wheel_is_typed_and_licensed(wheel: Path) -> None:
    """Type checkers may use it, lawyers find the license, and nothing but the package is in it."""
    held = zipfile.ZipFile(wheel).namelist()
    assert "bridge/py.typed" in held
    assert [name for name in held if name.endswith("/LICENSE")]
    assert {name.split("/")[0] for name in held if ".dist-info/" not in name} == {"bridge"}


def test_wheel_runs_from_anywhere(wheel: Path, tmp_path: Path) -> None:
    """Away from the checkout it finds its schemas and does its work."""
    code = "import sys; sys.path[:0] = sys.argv[1:]; from bridge.validate import Schemas; print(Schemas.load().types())"
    shutil.unpack_archive(wheel, tmp_path, "zip")
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, str(tmp_path)], cwd=tmp_path, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    assert "task-succeeded" in done.stdout


def test_source_distribution_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    """Whoever builds from the archive gets what we build from the checkout."""
    shutil.unpack_archive(build("sdist", tmp_path / "sdist"), tmp_path)
    (unpacked,) = tmp_path.glob("celery_event_bridge-*")
    again = build("wheel", tmp_path / "wheel", checkout=unpacked)
    assert zipfile.ZipFile(again).namelist() == zipfile.ZipFile(wheel).namelist()


@pytest.mark.skipif(not COMPILED, reason="nothing is compiled here")
def test_wheel_of_a_machine_with_a_compiler_is_compiled(tmp_path: Path) -> None:
    """It has the fast modules, for this Python and machine alone."""
    made = build("wheel", tmp_path / "wheel", compiled=True)
    assert not made.name.endswith("-none-any.whl")
    shutil.unpack_archive(made, tmp_path / "unpacked", "zip")
    code = "import sys; sys.path[:0] = sys.argv[1:]; from bridge import pipeline; print(pipeline.__file__)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, str(tmp_path / "unpacked")], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path))
    assert done.stdout.strip().endswith(".so")
