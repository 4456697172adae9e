"""The state of one cluster: its tasks and workers, bounded. Folds events in the order of arrival, does no I/O."""

from collections.abc import Iterable, Sequence

from bridge.model import Fields
from bridge.names import HOSTNAME, PID, UUID
from bridge.state.line import Line
from bridge.state.precedence import STATE_OF
from bridge.state.table import Table
from bridge.state.task import Task
from bridge.state.texts import share
from bridge.state.worker import Worker

MAX_TASKS = 100_000
"""About 120 MB at 1.2 KB a task, and two minutes of tasks at 1,000 a second that each live that long."""

MAX_WORKERS = 5_000
"""celery.events.State's own bound (max_workers_in_memory)."""


class ClusterState:
    """
    Answers as `celery.events.State` does, but for the seven named cases of docs/explanation/state.md.

    Not thread-safe: belongs to one chain. Bounded: past `max_tasks` ended tasks leave first, then those that no event
    touched for the longest time, and `evicted` counts them.
    """

    def __init__(self, *, max_tasks: int = MAX_TASKS, max_workers: int = MAX_WORKERS) -> None:
        self.max_tasks = max_tasks
        self.max_workers = max_workers
        self.evicted = 0
        """Tasks that left because there were more than `max_tasks`."""
        self.starts = 0
        """How many `task-started` were folded in, each once."""
        self.workers: dict[str, Worker] = {}
        """By hostname, who was heard last by an event of its own at the end."""
        self._tasks = Table()
        self._running = Line()
        self._over = Line()

    def __len__(self) -> int:
        """How many tasks are held."""
        return len(self._tasks)

    def task(self, uuid: str) -> Task | None:
        """The task with this uuid, touched; None when no event of it was seen (or it was evicted)."""
        task = self._tasks.get(uuid)
        if task is not None:
            self._line(task).touch(task)
        return task

    def tasks(self) -> list[Task]:
        """All of them, the one that leaves last first: those that run, then those that ended, newest touched first."""
        return [*self._running.newest_first(), *self._over.newest_first()]

    def restore(self, tasks: Sequence[Task], workers: Iterable[Worker]) -> None:
        """
        Take over what another state held; call on an empty one.

        Args:
            tasks: each once, in the order of `tasks`; those beyond `max_tasks` are left out.
            workers: the one heard last comes last.
        """
        for task in reversed(tasks[: self.max_tasks]):
            self._tasks.add(task)
            self._line(task).append(task)
        for worker in workers:
            self.workers[worker.hostname] = worker

    def fold_task(
        self, subject: str, fields: Fields, event_id: str, event_time: str, received_at: float | None
    ) -> Task | None:
        """
        Fold a `task-<subject>` event and return its task as it is after it; None when the event names no task.

        Args:
            fields: valid by its schema; not mutated.
            received_at: when we read it, our clock; None where that is unknown.
        """
        uuid = fields.get(UUID)
        if not isinstance(uuid, str) or not uuid:
            return None
        task = self._tasks.get(uuid)
        if task is None:
            task = self._new_task(uuid)
        hostname = fields[HOSTNAME]
        worker = None if subject == "sent" else self.workers.get(hostname)  # case 5: that was the client
        before = self._line(task)
        fresh = task.fold(subject, fields, event_id, event_time, share(hostname) if worker is None else worker.hostname)
        after = self._line(task)
        if after is before:
            after.touch(task)
        elif self.max_tasks:  # with 0 it was evicted at once
            before.remove(task)
            after.append(task)
        if subject != "sent":
            if worker is None:
                worker = self._hear_new(hostname, subject, received_at)
            elif worker.online and worker.heard_at is not received_at:  # case 6; a read's events are heard at one time
                worker.hear(received_at)
            if subject == "started" and fresh:
                self.starts += 1
                if worker is not None:
                    worker.count_start(fields.get(PID))
        return task

    def fold_worker(self, subject: str, fields: Fields, received_at: float | None) -> Worker:
        """Fold a `worker-<subject>` event and return its worker as it is after it."""
        worker = self._worker(fields[HOSTNAME])
        worker.fold(subject, fields, received_at)
        return worker

    def _line(self, task: Task) -> Line:
        return self._over if task.over else self._running

    def _new_task(self, uuid: str) -> Task:
        task = Task(uuid)
        self._tasks.add(task)
        self._running.append(task)
        if len(self._tasks) > self.max_tasks:
            line = self._over if self._over.oldest is not None else self._running
            oldest = line.oldest
            if oldest is not None:  # it is not: there is at least the new one
                line.remove(oldest)
                self._tasks.remove(oldest)
                self.evicted += 1
        return task

    def _hear_new(self, hostname: str, subject: str, received_at: float | None) -> Worker | None:
        # A custom task event may come from any client: it makes no worker (Celery's phantom `gen9@c`, case 5).
        if subject not in STATE_OF:
            return None
        worker = self._worker(hostname)
        worker.hear(received_at)
        return worker

    def _worker(self, hostname: str) -> Worker:
        worker = self.workers.get(hostname)
        if worker is None:
            worker = Worker(share(hostname))
            self.workers[worker.hostname] = worker
            if len(self.workers) > self.max_workers:
                del self.workers[next(iter(self.workers))]
        else:
            del self.workers[hostname]
            self.workers[worker.hostname] = worker
        return worker
