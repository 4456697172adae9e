"""bridge.config.paths: what is missing is said with all other problems."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.config import load
from bridge.errors import ConfigError


def problems(command: str, **flags: object) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as raised:
        load(command, flags, {})
    return raised.value.problems


def test_missing_paths_are_said_at_once(tmp_path: Path) -> None:
    """File to read, file to write and schemas come with every other problem."""
    gone = tmp_path / "gone"

    assert problems("run", sources=[f"a={gone}"], to=f"file:{gone}/x", schemas=str(gone), limit="x") == (
        "--limit: 'x' is no whole number",
        f"--from: cannot read {gone}: no such file or directory",
        f"--to: cannot write to {gone}/x: there is no directory {gone}",
        f"--schemas: {gone}: no such directory",
    )


def test_a_url_without_its_scheme_keeps_its_password() -> None:
    """It is taken for a path that is not there, and said without its secret."""
    assert problems("run", sources=["user:s3cret@rabbit/shop"]) == (
        "--from: cannot read user:***@rabbit/shop: no such file or directory",
    )


def test_a_file_is_not_written_to_while_it_is_read(tmp_path: Path) -> None:
    """It would grow until the disk is full: refused by any name of it, and what is no regular file is not meant."""
    file, link = tmp_path / "x", tmp_path / "y"
    file.touch()
    link.symlink_to(file)

    refusal = f"--to: cannot write to {link}: it is read from as well"
    assert problems("replay", sources=[str(file)], to=f"file:{link}") == (refusal,)
    assert problems("run", sources=["a=amqp://h", f"b={file}"], to=f"file:{link}") == (refusal,)
    assert load("replay", {"sources": [str(file)], "to": f"file:{tmp_path / 'z'}"}, {}).config.to.path.endswith("z")
    assert load("replay", {"sources": ["/dev/null"], "to": "file:/dev/null"}, {}).config.to.path == "/dev/null"


def test_stdin_may_be_the_same_file_too(tmp_path: Path) -> None:
    """`replay - --to file:x < x` reads what it writes as well."""
    file = tmp_path / "x"
    file.write_text('{"type": "a", "hostname": "h", "timestamp": 1}\n')
    with file.open() as stdin:
        done = subprocess.run(
            [sys.executable, "-m", "bridge", "replay", "-", "--to", f"file:{file}"],
            stdin=stdin,
            capture_output=True,
            check=False,
        )

    assert done.returncode == 78
    assert done.stderr.decode() == f"celery-bridge: --to: cannot write to {file}: it is read from as well\n"


def test_directories_are_no_files(tmp_path: Path) -> None:
    """A directory can be neither read nor written as lines, and a file is no directory of schemas."""
    file = tmp_path / "x"
    file.touch()

    assert problems("replay", sources=[str(tmp_path)], to=f"file:{tmp_path}", schemas=str(file)) == (
        f"FILE: cannot read {tmp_path}: is a directory",
        f"--to: cannot write to {tmp_path}: is a directory",
        f"--schemas: {file}: no such directory",
    )


def test_a_name_too_long_is_a_problem_and_no_crash() -> None:
    """The system's own limits are answered like any other."""
    name = "x" * 5000

    assert problems("run", sources=[name], schemas=name)[0].endswith("file name too long")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_permission_is_asked(tmp_path: Path) -> None:
    """What this user may not read is said to be so."""
    file = tmp_path / "x"
    file.touch(mode=0o000)
    folder = tmp_path / "state"
    folder.mkdir(mode=0o500)

    refusal = f"--state: cannot write to {folder}: permission denied"
    assert problems("run", sources=["amqp://h"], state=str(folder)) == (refusal,)
    assert problems("replay", sources=[str(file)]) == (f"FILE: cannot read {file}: permission denied",)


def test_paths_that_the_command_does_not_use_are_not_looked_at(tmp_path: Path) -> None:
    """`config` shows what another machine would do; `schemas` reads no source."""
    environ = {"CELERY_BRIDGE_FROM": str(tmp_path / "gone")}

    assert load("config", {"schemas": "/gone"}, environ).config.sources[0].path == str(tmp_path / "gone")
    assert load("schemas", {}, environ).config.schemas is None
    assert load("replay", {"sources": ["-"]}, environ).config.sources[0].path == "-"


def test_files_that_are_there_or_can_be_made_are_no_problem(tmp_path: Path) -> None:
    """An output file need not exist, only its directory."""
    config = load("run", {"sources": [str(Path(__file__))], "to": f"file:{tmp_path}/new"}, {}).config

    assert config.to.path == f"{tmp_path}/new"
    assert not Path(config.to.path).exists()


def test_the_folder_of_the_state_must_be_there_and_writable(tmp_path: Path) -> None:
    """A state that cannot be kept is said at the start and not each half minute."""
    gone = tmp_path / "gone"
    assert problems("run", sources=["amqp://h"], state=str(gone)) == (f"--state: {gone}: no such directory",)
