"""Tests of bridge.sources.lines.source: what the contract suite does not ask of every source."""

import asyncio
import os
import pty
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.decode import MAX_BODY_BYTES
from bridge.errors import ConfigError, EndOfStream, SourceError
from bridge.model import Delivery
from bridge.sources.lines import MAX_LINE_BYTES, LinesSource
from tests.running import run


async def read_all(source: LinesSource, position: bytes | None = None) -> list[Delivery]:
    """Everything from `position` to the end."""
    found: list[Delivery] = []
    async with source:
        await source.start(position)
        try:
            while True:
                found += [item for item in await source.read() if isinstance(item, Delivery)]
        except EndOfStream:
            return found


@pytest.fixture
def written(tmp_path: Path) -> Callable[[bytes], Path]:
    """Makes a file of these bytes."""

    def write(content: bytes) -> Path:
        path = tmp_path / "events.jsonl"
        path.write_bytes(content)
        return path

    return write


def test_tag_is_the_number_of_the_line_and_position_the_byte_behind_it(written: Callable[[bytes], Path]) -> None:
    """Blank lines are no deliveries but count; the last line needs no newline."""
    found = run(read_all(LinesSource(written(b'[1]\n\n \t\r\n{"body": 2}\n\n[3]'))))

    assert [(item.tag, item.position, item.body) for item in found] == [
        (1, b"4", b"[1]"),
        (4, b"21", b"2"),
        (6, b"25", b"[3]"),
    ]


@pytest.mark.parametrize("content", [b"", b"\n\n \n", b"   "])
def test_file_without_lines_is_at_its_end(written: Callable[[bytes], Path], content: bytes) -> None:
    """Nothing to read is no error."""
    assert run(read_all(LinesSource(written(content)))) == []


def test_start_goes_on_behind_a_position_with_true_line_numbers(written: Callable[[bytes], Path]) -> None:
    """From any delivery's position the rest follows exactly as if the beginning had been read."""
    path = written(b"[1]\n\n[22]\n[333]\n[4]")
    everything = run(read_all(LinesSource(path)))

    for done, delivery in enumerate(everything, 1):
        assert run(read_all(LinesSource(path), delivery.position)) == everything[done:]


def test_start_behind_the_end_finds_the_end(written: Callable[[bytes], Path]) -> None:
    """A file that became shorter since has nothing more."""
    assert run(read_all(LinesSource(written(b"[1]\n")), b"999")) == []


@pytest.mark.parametrize("position", [b"", b"-1", b"x", b"1.5"])
def test_start_at_what_is_no_position_is_an_error(written: Callable[[bytes], Path], position: bytes) -> None:
    """A position of some other source does not silently start anywhere."""
    with pytest.raises(SourceError, match="no number of bytes"):
        run(read_all(LinesSource(written(b"[1]\n")), position))


def test_byte_order_mark_at_the_start_is_passed_over(written: Callable[[bytes], Path]) -> None:
    """Editors put one there; offsets still count it, and a later one belongs to its line."""
    found = run(read_all(LinesSource(written(b'\xef\xbb\xbf{"body": 1}\n\xef\xbb\xbf[2]\n'))))

    assert [(item.body, item.position) for item in found] == [(b"1", b"15"), (b"\xef\xbb\xbf[2]", b"22")]


def test_line_above_the_limit_is_a_delivery_too_large_for_decode(tmp_path: Path) -> None:
    """It is cut, the lines around it are whole, and the offsets behind it are true."""
    path = tmp_path / "events.jsonl"
    with path.open("wb") as file:
        file.write(b"[1]\n{")
        file.truncate(file.tell() + MAX_LINE_BYTES)  # a hole: zeros that take no disk
        file.seek(0, os.SEEK_END)
        file.write(b"}\n[3]\n")
    found = run(read_all(LinesSource(path)), seconds=60)

    assert [(item.tag, len(item.body)) for item in found] == [(1, 3), (2, MAX_BODY_BYTES + 1), (3, 3)]
    assert found[-1].position == str(path.stat().st_size).encode()


def test_file_that_cannot_be_opened_is_a_config_error(tmp_path: Path) -> None:
    """Missing, a directory, a name no file can have: said at once, with the name."""
    for path, reason in [
        (tmp_path / "missing", "No such file or directory"),
        (tmp_path, "Is a directory"),
        ("a\0b", "null"),
    ]:
        with pytest.raises(ConfigError, match=reason):
            run(read_all(LinesSource(path)))


def test_file_that_may_not_be_read_is_a_config_error(written: Callable[[bytes], Path]) -> None:
    """Rights are missing: said at once."""
    path = written(b"[1]\n")
    path.chmod(0)
    user = os.geteuid()
    if user == 0:  # root may read everything, so be somebody else
        os.seteuid(65534)
    try:
        with pytest.raises(ConfigError, match="Permission denied"):
            run(read_all(LinesSource(path)))
    finally:
        os.seteuid(user)


def test_null_device_is_empty() -> None:
    """A device that the loop cannot wait for is read directly."""
    assert run(read_all(LinesSource("/dev/null"))) == []


def test_device_that_fails_is_a_source_error() -> None:
    """Reading that breaks is said, not taken for the end."""
    with pytest.raises(SourceError, match="/proc/self/mem"):
        run(read_all(LinesSource("/proc/self/mem")))


class Stdin:
    """Stands in for sys.__stdin__ over a file descriptor of ours."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def fileno(self) -> int:
        return self._fd


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes a file descriptor our stdin."""
    return lambda fd: monkeypatch.setattr(sys, "__stdin__", Stdin(fd))


def test_stdin_that_is_a_pipe_is_read_to_its_end_and_left_open(stdin: Any) -> None:
    """`-` is stdin; it stays blocking, since others share it, and stays open, since it is not ours."""
    reader, writer = os.pipe()
    stdin(reader)
    os.write(writer, b'[1]\n{"body":')
    asyncio_blocking = []

    async def check() -> list[Delivery]:
        async with LinesSource("-") as source:
            first = await source.read()
            asyncio_blocking.append(os.get_blocking(reader))
            reading = asyncio.ensure_future(source.read())
            await asyncio.sleep(0)
            os.write(writer, b" [2]}\n[3]")
            second = await reading
            os.close(writer)
            third = await source.read()
            with pytest.raises(EndOfStream):
                await source.read()
            return [item for item in [*first, *second, *third] if isinstance(item, Delivery)]

    found = run(check())
    assert [(item.tag, item.body, item.position) for item in found] == [
        (1, b"[1]", b"4"),
        (2, b"[2]", b"18"),
        (3, b"[3]", b"21"),
    ]
    assert asyncio_blocking == [True]
    os.close(reader)  # raises when the source closed it


def test_stdin_that_is_a_file_is_read_from_where_the_shell_left_it(
    stdin: Any, written: Callable[[bytes], Path]
) -> None:
    """What somebody read before us is not read again; positions are the file's own."""
    fd = os.open(written(b"[1]\n[22]\n"), os.O_RDONLY)
    os.lseek(fd, 4, os.SEEK_SET)
    stdin(fd)
    found = run(read_all(LinesSource("-")))
    os.close(fd)

    assert [(item.body, item.position) for item in found] == [(b"[22]", b"9")]


def test_stdin_that_is_closed_is_a_config_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """`<&-` leaves no stdin; its number may belong to another file by now and is not touched."""
    monkeypatch.setattr(sys, "__stdin__", None)
    with pytest.raises(ConfigError, match="stdin: it is closed"):
        run(read_all(LinesSource("-")))


def test_stdin_that_is_a_directory_is_a_config_error(stdin: Any, tmp_path: Path) -> None:
    """`< /some/directory` is a mistake that is said at once."""
    fd = os.open(tmp_path, os.O_RDONLY)
    stdin(fd)
    with pytest.raises(ConfigError, match="stdin: Is a directory"):
        run(read_all(LinesSource("-")))
    os.close(fd)


def test_terminal_is_read_line_by_line(stdin: Any) -> None:
    """What is typed is read when the line is finished; ^D ends it; the terminal stays blocking."""
    master, slave = pty.openpty()
    stdin(slave)

    async def check() -> list[Any]:
        async with LinesSource("-") as source:
            os.write(master, b"[1]\n")
            first = await source.read()
            os.write(master, b"\x04")
            with pytest.raises(EndOfStream):
                await source.read()
            return first

    assert [item.body for item in run(check())] == [b"[1]"]
    assert os.get_blocking(slave)
    os.close(master)
    os.close(slave)


def test_stop_hands_out_the_lines_in_memory_but_reads_no_more(written: Callable[[bytes], Path]) -> None:
    """A stop in the middle of a large file ends it within one chunk."""
    path = written(b"[1]\n" * 1_000_000)

    async def check() -> int:
        async with LinesSource(path) as source:
            taken = len(await source.read())
            source.stop()
            try:
                while True:
                    taken += len(await source.read())
            except EndOfStream:
                return taken

    assert run(check()) <= 1024 * 1024 // 4
