"""Tests of bridge.sinks.stdout.writer."""

import asyncio
import os
import stat
import sys
from pathlib import Path

import pytest

from bridge.errors import ConfigError, SinkError
from bridge.sinks.stdout import LineWriter
from bridge.testing import FakeClock
from tests.running import run


async def write(writer: LineWriter, *batches: bytes) -> None:
    """Open, write these and close."""
    await writer.open()
    for batch in batches:
        await writer.put(batch)
    await writer.close([])


def test_file_is_made_for_all_to_read_and_appended_to(tmp_path: Path) -> None:
    """A second run goes on behind the first; nobody but the owner may write."""
    path = tmp_path / "out"
    before = os.umask(0)
    try:
        run(write(LineWriter(f"file:{path}"), b"1\n", b"", b"2\n"))
        run(write(LineWriter(f"file:{path}"), b"3\n"))
    finally:
        os.umask(before)

    assert path.read_bytes() == b"1\n2\n3\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.parametrize(("left", "found"), [(b"", b"new\n"), (b"a\n", b"a\nnew\n"), (b'{"torn', b'{"torn\nnew\n')])
def test_line_that_was_left_unfinished_is_ended_first(tmp_path: Path, left: bytes, found: bytes) -> None:
    """A writer killed in a line costs that line, not ours too."""
    path = tmp_path / "out"
    path.write_bytes(left)
    run(write(LineWriter(f"file:{path}"), b"new\n"))

    assert path.read_bytes() == found


def test_file_that_cannot_be_opened_is_a_config_error(tmp_path: Path) -> None:
    """No such folder, a folder, a name no file can have: said at once, with the name."""
    for path, reason in [
        (f"{tmp_path}/missing/out", "No such file or directory"),
        (str(tmp_path), "Is a directory"),
        ("a\0b", "null"),
        ("", "No such file or directory"),
    ]:
        with pytest.raises(ConfigError, match=f"cannot write to .*{reason}"):
            run(LineWriter(f"file:{path}").open())


def test_stdout_that_is_closed_is_a_config_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """`>&-` leaves no stdout; its number may belong to another file by now and is not written to."""
    monkeypatch.setattr(sys, "__stdout__", None)
    with pytest.raises(ConfigError, match="stdout: it is closed"):
        run(LineWriter("stdout").open())


def test_fifo_waits_for_its_reader(tmp_path: Path) -> None:
    """A named pipe without a reader is looked at again; once there is one the writing is blocking, as for stdout."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    clock = FakeClock()

    async def check() -> bytes:
        writer = LineWriter(f"file:{path}", clock=clock)
        writing = asyncio.ensure_future(write(writer, b"line\n"))
        await clock.until_sleeping()
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        clock.turn(1)
        await writing
        got = os.read(reader, 100)
        os.close(reader)
        return got

    assert run(check()) == b"line\n"


def test_stdout_made_non_blocking_by_others_still_takes_everything() -> None:
    """A program that shares the terminal may set O_NONBLOCK: short writes and refusals are waited out."""
    reader, output = os.pipe()
    os.set_blocking(output, False)
    data = b"x" * 1_000_000

    async def check() -> int:
        writer = LineWriter("stdout", stdout=output)
        await writer.open()
        written = writer.put(data)
        got = 0
        while got < len(data):
            got += len(await asyncio.to_thread(os.read, reader, 1 << 20))
        await written
        await writer.close([])
        return got

    assert run(check()) == len(data)
    os.close(reader)
    os.close(output)


def test_stdout_stays_blocking_and_open() -> None:
    """It is shared with other processes, which would find it non-blocking too, and it is not ours to close."""
    reader, output = os.pipe()
    run(write(LineWriter("stdout", stdout=output), b"line\n"))

    assert os.get_blocking(output)
    assert os.read(reader, 100) == b"line\n"
    os.close(output)
    os.close(reader)


def test_writer_is_open_from_its_first_user_to_its_last(tmp_path: Path) -> None:
    """One sink that leaves takes nothing from the others; after the last nothing can be written."""
    path = tmp_path / "out"

    async def check() -> None:
        writer = LineWriter(f"file:{path}")
        await asyncio.gather(writer.open(), writer.open())
        await writer.put(b"1\n")
        await writer.close([])
        await writer.put(b"2\n")
        await writer.close([])
        with pytest.raises(SinkError, match="not open"):
            writer.put(b"3\n")
        await writer.close([])
        await write(writer, b"4\n")

    run(check())
    assert path.read_bytes() == b"1\n2\n4\n"


def test_one_user_that_leaves_forgets_only_its_own_writes() -> None:
    """Of two sinks on a stuck pipe the one that leaves gives up; the other's lines arrive when somebody reads."""
    reader, output = os.pipe()

    async def check() -> bytes:
        writer = LineWriter("stdout", stdout=output)
        await writer.open()
        await writer.open()
        stays = writer.put(b"s" * 200_000 + b"\n")
        leaves = writer.put(b"leaves\n")
        also_stays = writer.put(b"also stays\n")
        await writer.close([leaves])
        with pytest.raises(SinkError):
            await leaves
        got = b""
        while not got.endswith(b"stays\n"):
            got += await asyncio.to_thread(os.read, reader, 1 << 20)
        await stays
        await also_stays
        await writer.close([])
        return got

    assert run(check()) == b"s" * 200_000 + b"\nalso stays\n"
    os.close(reader)
    os.close(output)
