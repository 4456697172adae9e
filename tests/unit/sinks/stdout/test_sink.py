"""Tests of bridge.sinks.stdout.sink: what the contract suite does not ask of every sink."""

import contextlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bridge.errors import OutputError, SinkError
from bridge.model import Record
from bridge.sinks.stdout import LinesSink, LineWriter
from tests.running import run, until


def records(*values: bytes) -> list[Record]:
    return [Record(value) for value in values]


def test_send_ends_every_value_with_exactly_one_newline(tmp_path: Path) -> None:
    """Values come without, with one or with several newlines at their end; those inside stay."""
    path = tmp_path / "out"

    async def check() -> None:
        async with LinesSink(f"file:{path}") as sink:
            await (await sink.send(records(b"a", b"b\n", b"c\n\n", b"two\nlines"), b"1"))
            await (await sink.send(records(b"last"), None))

    run(check())
    assert path.read_bytes() == b"a\nb\nc\ntwo\nlines\nlast\n"


def test_send_is_one_write() -> None:
    """A reader of the pipe never sees half a batch that fits: a pipe of packets shows each write as it was made."""
    reader, output = os.pipe2(os.O_DIRECT)

    async def check() -> None:
        async with LinesSink(LineWriter("stdout", stdout=output)) as sink:
            await (await sink.send(records(b"a", b"b", b"c"), None))
            await (await sink.send([], None))
            await (await sink.send(records(b"d", b"e"), None))

    run(check())
    assert [os.read(reader, 4096), os.read(reader, 4096)] == [b"a\nb\nc\n", b"d\ne\n"]
    os.close(output)
    assert os.read(reader, 4096) == b""
    os.close(reader)


def test_send_to_a_full_pipe_waits_after_four_and_leaves_the_loop_free() -> None:
    """Four sends are taken though nobody reads; all arrive when somebody does."""
    reader, output = os.pipe()
    value = b"x" * 100_000

    async def check() -> int:
        async with LinesSink(LineWriter("stdout", stdout=output)) as sink:
            confirmations = [await sink.send(records(value), None) for _ in range(4)]
            got = 0
            os.set_blocking(reader, False)

            def read() -> bool:
                nonlocal got
                with contextlib.suppress(BlockingIOError):
                    got += len(os.read(reader, 1 << 20))
                return got == 4 * (len(value) + 1)

            await until(read)
            for confirmation in confirmations:
                await confirmation
            return got

    assert run(check()) == 4 * (len(value) + 1)
    os.close(reader)
    os.close(output)


def test_reader_that_leaves_is_an_output_error_with_its_cause() -> None:
    """The cause tells a closed pipe from a full disk; what is sent afterwards fails the same way."""
    reader, output = os.pipe()
    os.close(reader)

    async def check() -> None:
        async with LinesSink(LineWriter("stdout", stdout=output)) as sink:
            for _ in range(6):
                with pytest.raises(OutputError, match="cannot write to stdout: Broken pipe") as caught:
                    await (await sink.send(records(b"a"), None))
                assert isinstance(caught.value.__cause__, BrokenPipeError)

    run(check())
    os.close(output)


def test_stdout_becomes_the_null_device_when_its_reader_left() -> None:
    """Whatever still writes there, the interpreter at its exit, does not fail and does not complain."""
    reader, output = os.pipe()
    os.close(reader)

    async def check() -> None:
        async with LinesSink(LineWriter("stdout", stdout=output)) as sink:
            with pytest.raises(OutputError):
                await (await sink.send(records(b"a"), None))

    run(check())
    assert os.fstat(output).st_rdev == Path(os.devnull).stat().st_rdev
    os.close(output)


def test_full_disk_is_an_output_error() -> None:
    """Every write to /dev/full fails as a full disk does."""

    async def check() -> None:
        async with LinesSink("file:/dev/full") as sink:
            for _ in range(2):
                with pytest.raises(OutputError, match="cannot write to /dev/full: No space left on device"):
                    await (await sink.send(records(b"a"), None))

    run(check())


def test_pending_confirmations_of_a_stuck_pipe_raise_when_the_sink_is_left() -> None:
    """Leaving takes a second at most, though the thread still waits for the pipe; it ends when the reader does."""
    reader, output = os.pipe()

    async def check() -> None:
        async with LinesSink(LineWriter("stdout", stdout=output)) as sink:
            confirmations = [await sink.send(records(b"x" * 1_000_000), None) for _ in range(3)]
        for confirmation in confirmations:
            with pytest.raises(SinkError, match="left before stdout took everything"):
                await confirmation

    run(check(), seconds=5)
    os.close(reader)  # now the thread ends, and finds that its loop is closed
    for thread in threading.enumerate():
        if thread.name == "writer stdout":
            thread.join()
    os.close(output)  # not before: the number could become another file's while it writes


def test_head_ends_a_process_without_noise() -> None:
    """`... | head -1`: the process learns that nobody reads, and neither it nor its interpreter writes to stderr."""
    script = """
import asyncio, sys
from bridge.errors import OutputError
from bridge.model import Record
from bridge.sinks.stdout import LinesSink

async def main():
    async with LinesSink("stdout") as sink:
        while True:
            await (await sink.send([Record(b"line")] * 100, None))

try:
    asyncio.run(main())
except OutputError as error:
    print("what the interpreter flushes when it exits")
    sys.exit(error.exit_code)
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=Path(__file__).parents[4]
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"line\n"
        process.stdout.close()

        assert process.wait(timeout=20) == OutputError.exit_code
        assert process.stderr.read() == b""
