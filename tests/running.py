"""Runs a coroutine of a test: with a deadline, in asyncio's debug mode, leaving nothing behind."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

# Long enough for anything that needs no server, and for a word with one that runs, on two busy cores; short enough that
# a hang names its test.
DEADLINE_SECONDS = 30.0


def run(main: Coroutine[Any, Any, T], *, seconds: float = DEADLINE_SECONDS) -> T:
    """
    Run `main` to its end in a new event loop and return its result.

    Raises:
        TimeoutError: it took longer than `seconds`.
        AssertionError: it left tasks behind (the `no_leaks` fixture says so too for a plain asyncio.run).
    """

    async def bounded() -> T:
        async with asyncio.timeout(seconds):
            result = await main
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not left, f"tasks left behind: {names(left)}"
        return result

    with asyncio.Runner(debug=True) as runner:
        return runner.run(bounded())


async def until(holds: Callable[[], bool], *, seconds: float = DEADLINE_SECONDS, every: float = 0.005) -> None:
    """
    Wait until `holds()`, asking every `every` seconds.

    Raises:
        TimeoutError: it never did.
    """
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - what tests wait for (a file, a server) sets no asyncio.Event
            await asyncio.sleep(every)


def names(tasks: list[asyncio.Task[Any]]) -> list[str]:
    """What to call tasks in a failure: the coroutine's name says more than Task-17."""
    return sorted(getattr(task.get_coro(), "__qualname__", repr(task)) for task in tasks)
