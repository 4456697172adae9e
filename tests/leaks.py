"""What a test left behind: asyncio tasks, threads, child processes."""

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.running import names

# A thread that was told to end needs a moment to do so.
_GRACE_SECONDS = 2.0
_POLL_SECONDS = 0.005


@contextlib.contextmanager
def nothing_left() -> Iterator[None]:
    """
    Fail the test when, at the end of the block, there are threads or child processes that were not there before, or
    an event loop was closed with tasks still pending (asyncio.run cancels those without a word).

    What a session's fixtures started must be there before the block: they are set up first.
    """
    threads, children = set(threading.enumerate()), child_processes()
    with _pending_tasks() as tasks:
        yield
    left = _wait(lambda: sorted(t.name for t in threading.enumerate() if t not in threads and t.is_alive()))
    if left:
        pytest.fail(f"threads left behind: {left}")
    left = _wait(lambda: sorted(command(pid) for pid in child_processes() - children))
    if left:
        pytest.fail(f"child processes left behind: {left}")
    if tasks:
        pytest.fail(f"asyncio tasks left behind: {tasks}")


def child_processes() -> set[int]:
    """The pids of our direct children, zombies included; empty where there is no /proc."""
    ours = str(os.getpid())
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # "pid (name) state ppid ...": the name may hold spaces and parentheses
            if stat.read_text(errors="replace").rpartition(")")[2].split()[1] == ours:
                found.add(int(stat.parent.name))
    return found


def command(pid: int) -> str:
    """The process as a failure shows it."""
    with contextlib.suppress(OSError):
        arguments = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ").strip()
        return f"{pid} {arguments or 'zombie'}"
    return str(pid)


@contextlib.contextmanager
def _pending_tasks() -> Iterator[list[str]]:
    """Names of the tasks that asyncio.run and asyncio.Runner found pending when they closed their loop."""
    found: list[str] = []
    cancel: Any = asyncio.runners._cancel_all_tasks  # type: ignore[attr-defined]

    def noting(loop: asyncio.AbstractEventLoop) -> None:
        found.extend(names(list(asyncio.all_tasks(loop))))
        cancel(loop)

    asyncio.runners._cancel_all_tasks = noting  # type: ignore[attr-defined]
    try:
        yield found
    finally:
        asyncio.runners._cancel_all_tasks = cancel  # type: ignore[attr-defined]


def _wait(left: Any) -> list[str]:
    deadline = time.monotonic() + _GRACE_SECONDS
    while (found := left()) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return list(found)
