"""A state in a file: JSON lines, replaced as a whole, read within bounds. What is wrong with it is never fatal."""

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any, TypeVar

import orjson
import structlog

from bridge.clock import Clock, iso_ms
from bridge.state import ClusterState, Row, Task, Worker, task_of, task_row, worker_of, worker_row

FORMAT, VERSION = "celery-bridge-state", 1

MOST_TASKS = 100_000
MOST_SECONDS = 2.0
"""Of reading, at most: who waits for the bridge to start waits for this too."""

_SLICE = 500
"""Rows written between two turns of the event loop: 2 ms of CPU."""

_READ_BYTES = 512 * 1024
"""Read between two turns of the event loop: some 1,000 rows, 10 ms of CPU, while nothing else is going on yet."""

_HEADER_BYTES = 4096

_TEMPORARY = ".tmp"

T = TypeVar("T")

log = structlog.get_logger()


class StateFile:
    """
    What one chain's state holds, between two runs.

    Line 1 says what it is, the last one how many lines are between them, each a worker or a task. Tasks that run come
    first, then those that ended, newest first, so what the bounds of reading cut off is worth least.

    It is read and written by the loop's default executor, so a slow disk holds nobody up; one method at a time may run.

    Args:
        path: its folder exists. Others have no access to it: it holds arguments of tasks.
        cluster, group: whose state it is; that of another chain is not taken.
        clock: bounds the reading.
    """

    def __init__(self, path: Path, *, cluster: str, group: str, clock: Clock) -> None:
        self._path = path
        self._identity = {"format": FORMAT, "version": VERSION, "cluster": cluster, "group": group}
        self._clock = clock
        self.whole_until: float | None = None
        """Up to when all that reached us is settled, in seconds since the epoch; comes from the file and goes there."""

    async def load(self, state: ClusterState) -> bool:
        """
        Fill an empty state; whether anything was there for it.

        Never raises but when cancelled: without a file, or with one that is broken or not ours, `state` stays empty,
        and the latter is said.
        """
        try:
            lines = self._open()
        except FileNotFoundError:
            return False
        except (OSError, ValueError) as error:
            self._ignored(error)
            return False
        try:
            with lines:
                await self._load(lines, state)
                return True
        except (OSError, ValueError) as error:
            self._ignored(error)
            return False

    def _ignored(self, error: Exception) -> None:
        log.warning("state file ignored", file=str(self._path), reason=_brief(error))

    def _open(self) -> IO[bytes]:
        for left in self._path.parent.glob(f"{self._path.name}.*{_TEMPORARY}"):  # by one that was killed
            with contextlib.suppress(OSError):
                left.unlink()
        if self._path.exists() and not self._path.is_file():  # a pipe would wait for somebody to write to it
            raise ValueError("not a file")
        lines = self._path.open("rb")
        try:
            header = _row(lines.readline(_HEADER_BYTES))
            for name, value in self._identity.items():
                if header.get(name) != value:
                    raise ValueError(f"its {name} is {str(header.get(name))[:40]!r}, not {value!r}")
            whole_until = header.get("whole_until")
            self.whole_until = float(whole_until) if isinstance(whole_until, int | float) else None
        except ValueError:
            lines.close()
            raise
        return lines

    async def _load(self, lines: IO[bytes], state: ClusterState) -> None:
        """Raises OSError, ValueError: it cannot be read to the end or the bounds; `state` is as it was."""
        tasks: dict[str, Task] = {}
        workers: list[Worker] = []
        deadline = self._clock.monotonic() + MOST_SECONDS
        most = min(MOST_TASKS, state.max_tasks)
        end: int | None = None
        while end is None and len(tasks) < most and self._clock.monotonic() < deadline:
            some = await asyncio.to_thread(lines.readlines, _READ_BYTES)
            if not some:
                raise ValueError("it has no end")
            for line in some:
                row = _row(line)
                if "task" in row:
                    task = task_of(_row_in(row, "task"))
                    tasks[task.uuid] = task
                elif "worker" in row:
                    workers.append(worker_of(_row_in(row, "worker")))
                else:
                    end = row.get("lines")
                    break
        if end is not None and end != len(tasks) + len(workers):
            raise ValueError("lines are missing, or there twice")
        state.restore(list(tasks.values())[:most], workers[-state.max_workers :])

    async def save(self, state: ClusterState) -> bool:
        """
        Replace the file by what `state` holds now, while others may change it; whether that worked.

        A row is of one moment, all of them are not: what is folded meanwhile is in some and not in others.
        Never raises but when cancelled: what is wrong is said, and the file stays as it was.
        """
        out: IO[bytes] | None = None
        try:
            out = self._create()
            await self._save(out, state)
            await asyncio.to_thread(_replace, out, self._path)
        except (OSError, ValueError, TypeError) as error:  # orjson's own errors are among them
            log.warning("state not saved", file=str(self._path), reason=_brief(error))
            return False
        else:
            out = None
            return True
        finally:
            if out is not None:
                _discard(out)

    def _create(self) -> IO[bytes]:
        folder, prefix = self._path.parent, self._path.name + "."
        return tempfile.NamedTemporaryFile(dir=folder, prefix=prefix, suffix=_TEMPORARY, delete=False)

    async def _save(self, out: IO[bytes], state: ClusterState) -> None:
        moments = {"saved_at": iso_ms(self._clock.now()), "whole_until": self.whole_until}
        header = _line({**self._identity, **moments})
        written = 0
        await asyncio.to_thread(out.write, header)
        for rows in _slices(_made("worker", worker_row, list(state.workers.values()))):
            await asyncio.to_thread(out.write, b"".join(rows))
            written += len(rows)
        for rows in _slices(_made("task", task_row, state.tasks()[:MOST_TASKS])):
            await asyncio.to_thread(out.write, b"".join(rows))
            written += len(rows)
        await asyncio.to_thread(out.write, _line({"lines": written}))


def _made(name: str, row: Callable[[T], Row], things: Iterable[T]) -> Iterator[bytes]:
    """A line for each thing, made when it is asked for."""
    return (_line({name: row(thing)}) for thing in things)


def _slices(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    while some := list(islice(lines, _SLICE)):
        yield some


def _line(row: Row) -> bytes:
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def _row(line: bytes) -> dict[str, Any]:
    """Raises ValueError: the line is no JSON object."""
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise ValueError("a line of it is not JSON") from None  # whose own words repeat what is in it
    if type(row) is not dict:
        raise ValueError("a line of it is no object")
    return row


def _row_in(row: dict[str, Any], name: str) -> dict[str, Any]:
    if type(row[name]) is not dict:
        raise ValueError(f"a {name} of it is no object")
    inner: dict[str, Any] = row[name]
    return inner


def _replace(out: IO[bytes], path: Path) -> None:
    """What was written becomes the file, at once and as a whole, also when the machine loses power."""
    out.flush()
    os.fsync(out.fileno())
    out.close()
    Path(out.name).replace(path)


def _discard(out: IO[bytes]) -> None:
    with contextlib.suppress(OSError):
        out.close()
    with contextlib.suppress(OSError):
        Path(out.name).unlink()


def _brief(error: Exception) -> str:
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else str(error)[:200]
