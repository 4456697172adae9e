"""Tasks in the order in which they were touched: who leaves first when there are too many. Pure; no I/O."""

from collections.abc import Iterator

from bridge.state.task import Task


class Line:
    """
    0..n tasks, the one touched last at the end. A task stands in one line at a time.

    Each task holds its neighbours: 16 bytes, and a step to the end is six assignments, where a place in an OrderedDict
    takes 32 bytes beside the task and up to 42 in tables that are made anew from time to time.

    Not thread-safe.
    """

    __slots__ = ("_newest", "oldest")

    def __init__(self) -> None:
        self.oldest: Task | None = None
        """The one not touched for the longest time; None when the line is empty."""
        self._newest: Task | None = None

    def append(self, task: Task) -> None:
        """Put a task that stands in no line at the end."""
        newest = self._newest
        task.older = newest
        if newest is None:
            self.oldest = task
        else:
            newest.newer = task
        self._newest = task

    def remove(self, task: Task) -> None:
        """Take out a task that stands in this line."""
        older, newer = task.older, task.newer
        if older is None:
            self.oldest = newer
        else:
            older.newer = newer
        if newer is None:
            self._newest = older
        else:
            newer.older = older
        task.older = task.newer = None

    def touch(self, task: Task) -> None:
        """Let a task that stands in this line step to its end."""
        if task.newer is not None:
            self.remove(task)
            self.append(task)

    def newest_first(self) -> Iterator[Task]:
        """All of them. The line must not change meanwhile."""
        task = self._newest
        while task is not None:
            yield task
            task = task.older
