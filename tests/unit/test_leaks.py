"""Tests of tests.leaks and tests.running: what fails every other test must itself be tested."""

import asyncio
import subprocess
import sys
import threading
from typing import Any

import pytest

from tests import leaks
from tests.leaks import nothing_left
from tests.running import run, until


@pytest.fixture(autouse=True)
def no_leaks() -> None:
    """Replaces the check of every test: here leaks are made on purpose."""


@pytest.fixture
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left is not waited for."""
    monkeypatch.setattr(leaks, "_GRACE_SECONDS", 0.0)


def test_thread_that_is_left_fails(no_grace: None) -> None:
    """A thread that goes on after the test is named."""
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait, name="forgotten")
    try:
        with pytest.raises(pytest.fail.Exception, match=r"threads left behind: .*forgotten"), nothing_left():
            thread.start()
    finally:
        ended.set()
        thread.join()


def test_thread_that_is_ending_is_waited_for() -> None:
    """A thread that was told to end is no leak."""
    ended = threading.Event()
    with nothing_left():
        threading.Thread(target=ended.wait).start()
        ended.set()


def test_child_process_that_is_left_fails(no_grace: None) -> None:
    """A process that goes on after the test is shown with its command; one from before it is not."""
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str) -> None:
        started.append(subprocess.Popen([sys.executable, "-c", "input()", name], stdin=subprocess.PIPE))

    start("early")
    try:
        with pytest.raises(pytest.fail.Exception, match="child processes left behind") as caught, nothing_left():
            start("late")
    finally:
        for process in started:
            process.communicate(b"\n")

    assert "late" in str(caught.value)
    assert "early" not in str(caught.value)


def test_task_that_asyncio_run_would_cancel_without_a_word_fails() -> None:
    """A pending task at the end of a plain asyncio.run is named by its coroutine."""

    async def forgotten() -> None:
        await asyncio.Event().wait()

    async def main() -> list[Any]:
        return [asyncio.create_task(forgotten())]

    with pytest.raises(pytest.fail.Exception, match=r"tasks left behind: .*forgotten"), nothing_left():
        asyncio.run(main())


def test_block_that_leaves_nothing_passes() -> None:
    """Tasks and processes that ended inside the block are no leaks."""

    async def main() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(asyncio.sleep(0))

    with nothing_left():
        asyncio.run(main())
        subprocess.run([sys.executable, "-c", ""], check=True)


def test_run_ends_what_takes_too_long() -> None:
    """A coroutine that waits for ever is a TimeoutError, not a test that hangs."""
    with pytest.raises(TimeoutError):
        run(asyncio.Event().wait(), seconds=0.01)


def test_run_works_in_debug_mode_and_returns_the_result() -> None:
    """Coroutines that nobody awaits and slow callbacks show."""

    async def main() -> bool:
        return asyncio.get_running_loop().get_debug()

    assert run(main()) is True


def test_until_gives_up() -> None:
    """A condition that never holds is a TimeoutError."""
    with pytest.raises(TimeoutError):
        run(until(lambda: False, seconds=0.02))
