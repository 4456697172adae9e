"""The thread that writes: a full pipe must not stop the event loop."""

import asyncio
import contextlib
import errno
import os
import select
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from bridge.errors import OutputError, SinkError

log = structlog.get_logger()

CLOSE_SECONDS = 1.0
"""How long leaving waits for the write under way. A disk needs milliseconds; a pipe that nobody reads never ends."""


@dataclass(slots=True, eq=False)
class Job:
    """Whole lines, or nothing, and what is done when the kernel has them."""

    data: bytes
    loop: asyncio.AbstractEventLoop
    confirmation: asyncio.Future[None]


class WriterThread:
    """
    The thread, its queue, and the file descriptor that only it touches once it runs.

    Methods are called on the event loop it was made on; a job's confirmation is done there. After the first error every
    job fails with it.
    """

    def __init__(self, fd: int, name: str, *, owned: bool) -> None:
        self._fd = fd
        self._name = name
        self._owned = owned
        self._jobs: deque[Job] = deque()
        self._changed = threading.Condition()
        self._ending = False
        self._failure: OSError | None = None
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=f"writer {name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def put(self, job: Job) -> None:
        """Queue a job behind the others."""
        with self._changed:
            self._jobs.append(job)
            self._changed.notify()

    def forget(self, confirmations: Sequence[asyncio.Future[None]]) -> None:
        """Drop the jobs of these that have not begun; their confirmations raise SinkError."""
        unwanted = set(confirmations)
        with self._changed:
            dropped = [job for job in self._jobs if job.confirmation in unwanted]
            self._jobs = deque(job for job in self._jobs if job.confirmation not in unwanted)
        for job in dropped:
            if not job.confirmation.done():
                job.confirmation.set_exception(SinkError(f"left before {self._name} took everything"))

    async def end(self) -> None:
        """Let it end after the write under way; give up on it after CLOSE_SECONDS."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._ended.wait()
        except TimeoutError:
            log.warning("output is stuck and was left", output=self._name)
        else:
            self._thread.join()  # it has nothing left to do

    def _run(self) -> None:
        while (job := self._next()) is not None:
            if self._failure is None:
                try:
                    self._write(job.data)
                except OSError as error:
                    self._failure = error
                    self._silence(error)
            _call(job.loop, _settle, job.confirmation, self._name, self._failure)
        if self._owned:
            os.close(self._fd)
        _call(self._loop, self._ended.set)

    def _next(self) -> Job | None:
        with self._changed:
            while not self._jobs and not self._ending:
                self._changed.wait()
            return self._jobs.popleft() if self._jobs else None

    def _write(self, data: bytes) -> None:
        """
        Hand all of it to the kernel, in one write unless it takes less.

        Raises:
            OSError: it takes no more.
        """
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._fd, rest) :]
            except BlockingIOError:  # somebody who shares stdout made it non-blocking
                poll = select.poll()
                poll.register(self._fd, select.POLLOUT)
                poll.poll()

    def _silence(self, error: OSError) -> None:
        """Once its reader is gone let stdout be the null device, else the interpreter complains when it exits."""
        with self._changed:
            if error.errno == errno.EPIPE and not self._owned and not self._ending:
                null = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
                os.dup2(null, self._fd)
                os.close(null)


def _call(loop: asyncio.AbstractEventLoop, function: Callable[..., object], *args: object) -> None:
    with contextlib.suppress(RuntimeError):  # the loop was closed on a writer that it had given up
        loop.call_soon_threadsafe(function, *args)


def _settle(confirmation: asyncio.Future[None], name: str, failure: OSError | None) -> None:
    if confirmation.done():
        return
    if failure is None:
        confirmation.set_result(None)
        return
    error = OutputError(f"cannot write to {name}: {failure.strerror}")
    error.__cause__ = failure
    confirmation.set_exception(error)
