"""The loop of a command: results as with asyncio.run, and an end that waits for no look-up."""

import asyncio
import socket
import sys
import threading
import time

import pytest

from bridge.cli.loop import Unawaited, run
from tests.running import until


def test_result_and_error_of_main_are_handed_on() -> None:
    """As asyncio.run does."""

    async def answer() -> int:
        return 42

    async def fail() -> None:
        raise ZeroDivisionError

    assert run(answer()) == 42
    with pytest.raises(ZeroDivisionError):
        run(fail())


def test_names_are_looked_up() -> None:
    """The result and the error of a look-up arrive."""

    async def check() -> None:
        loop = asyncio.get_running_loop()
        assert (await loop.getaddrinfo("localhost", 80))[0][4][1] == 80
        with pytest.raises(socket.gaierror):
            await loop.getaddrinfo("no such host", 80)

    run(check())


def test_uvloop_is_used_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """And asyncio's own loop where it is not."""

    async def module() -> str:
        return type(asyncio.get_running_loop()).__module__

    assert run(module()) == "bridge.cli.libuv"
    monkeypatch.setitem(sys.modules, "uvloop", None)
    monkeypatch.delitem(sys.modules, "bridge.cli.libuv")
    assert run(module()).startswith("asyncio.")


def test_end_does_not_wait_for_a_name_server() -> None:
    """A look-up that hangs is left behind on a thread that does not keep the process either."""
    hangs, began = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def look_up() -> None:
        threads.append(threading.current_thread())
        began.set()
        hangs.wait(30)

    async def leave() -> None:
        looking = asyncio.get_running_loop().run_in_executor(None, look_up)
        await until(began.is_set)
        looking.cancel()

    since = time.monotonic()
    run(leave())
    took = time.monotonic() - since
    hangs.set()
    assert threads[0].daemon
    threads[0].join(10)
    assert took < 10


def test_call_that_was_cancelled_before_it_began_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its thread finds that nobody wants it any more."""
    held: list[threading.Thread] = []
    made: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", lambda thread: held.append(thread))
        future = Unawaited().submit(made.append, 1)
    assert future.cancel()
    (thread,) = held
    thread.start()
    thread.join(10)
    assert made == []
