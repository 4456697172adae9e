"""Tests of bridge.sinks.stdout.thread."""

import asyncio
import os
from pathlib import Path

import pytest

from bridge.errors import OutputError
from bridge.sinks.stdout.thread import Job, WriterThread
from tests.running import run


def job(data: bytes) -> Job:
    loop = asyncio.get_running_loop()
    return Job(data, loop, loop.create_future())


def test_jobs_are_done_in_order_and_those_queued_are_written_before_it_ends(tmp_path: Path) -> None:
    """The end waits for what is queued; a file it owns is closed by then."""
    path = tmp_path / "out"

    async def check() -> int:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        thread = WriterThread(fd, "out", owned=True)
        jobs = [job(b"%d\n" % n) for n in range(100)]
        for one in jobs:
            thread.put(one)
        thread.start()
        await thread.end()
        assert all(one.confirmation.done() for one in jobs)
        return fd

    fd = run(check())
    assert path.read_bytes() == b"".join(b"%d\n" % n for n in range(100))
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def test_first_error_fails_every_later_job() -> None:
    """Behind lines that were not written nothing may be written, else the output has a hole in the middle."""

    async def check() -> None:
        fd = os.open("/dev/full", os.O_WRONLY)
        thread = WriterThread(fd, "full", owned=True)
        thread.start()
        jobs = [job(b"line\n"), job(b""), job(b"line\n")]
        for one in jobs:
            thread.put(one)
        for one in jobs:
            with pytest.raises(OutputError, match="No space left"):
                await one.confirmation
        await thread.end()

    run(check())


def test_confirmation_that_was_cancelled_is_left_alone(tmp_path: Path) -> None:
    """A chain that gave up waiting does not hinder the writer."""

    async def check() -> None:
        thread = WriterThread(os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT, 0o600), "out", owned=True)
        given_up, waited_for = job(b"1\n"), job(b"2\n")
        given_up.confirmation.cancel()
        thread.put(given_up)
        thread.put(waited_for)
        thread.start()
        await waited_for.confirmation
        await thread.end()

    run(check())
    assert (tmp_path / "out").read_bytes() == b"1\n2\n"
