"""The event loop of a command: one that no name server can keep from ending."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """
    As `asyncio.run`, with uvloop where it is installed, but the end does not wait for host names still being looked up.

    asyncio looks names up on threads, and waits for them when a loop is closed, and Python again when it exits. With a
    name server that is down one takes 10 s per search domain (resolv.conf(5): 2 attempts of 5 s): longer than most
    orchestrators wait between SIGTERM and SIGKILL.

    Raises:
        Whatever `main` raises.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.get_loop().set_default_executor(Unawaited())
        return runner.run(main)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's where it is installed, else asyncio's."""
    try:
        from bridge.cli.libuv import new_event_loop
    except ImportError:
        return None
    return new_event_loop


class Unawaited(ThreadPoolExecutor):
    """
    Runs each call on a daemon thread of its own, which the process may leave behind. For calls that are rare: asyncio
    has a connection's host name looked up here, and nothing else of ours.

    A ThreadPoolExecutor because `set_default_executor` takes nothing else; the pool itself is not used.
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Start the call; its result or error is the future's."""
        future: Future[T] = Future()

        def call() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - whoever waits for it gets it
                future.set_exception(error)
            else:
                future.set_result(result)

        threading.Thread(target=call, name="name lookup", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for nothing."""
