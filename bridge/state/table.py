"""Tasks by their uuid. Pure; no I/O."""

from typing import TYPE_CHECKING, Final

from bridge.state.task import Task

if TYPE_CHECKING:
    from mypy_extensions import i64

SHARDS: Final = 64
"""A table in which as many come as leave is made anew from time to time, beside the old one. That of 100,000 tasks has
8 MiB and stays where the heap had room for it: after some 900,000 tasks memory rose by as much, once.
Those of 64 have 50 to 100 KiB, and the heap has room for the next one where the last one was. A power of two."""


class Table:
    """
    0..n tasks, each once.

    Not thread-safe.
    """

    __slots__ = ("_count", "_shards")

    def __init__(self) -> None:
        self._count = 0
        self._shards: list[dict[str, Task]] = [{} for _ in range(SHARDS)]

    def __len__(self) -> int:
        """How many there are."""
        return self._count

    def get(self, uuid: str) -> Task | None:
        """The task with this uuid; None when there is none."""
        hashed: i64 = hash(uuid)  # 64 bits: no number of Python's is made of them
        return self._shards[hashed & (SHARDS - 1)].get(uuid)

    def add(self, task: Task) -> None:
        """Put in a task whose uuid is not there."""
        hashed: i64 = hash(task.uuid)
        self._shards[hashed & (SHARDS - 1)][task.uuid] = task
        self._count += 1

    def remove(self, task: Task) -> None:
        """Take out a task that is there."""
        hashed: i64 = hash(task.uuid)
        del self._shards[hashed & (SHARDS - 1)][task.uuid]
        self._count -= 1
