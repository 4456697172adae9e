"""The state of one cluster: its tasks and workers, bounded. Folds events in the order of arrival, does no I/O."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from sys import intern

from bridge.model import Fields
from bridge.names import HOSTNAME, PID, UUID
from bridge.state.precedence import STATE_OF
from bridge.state.task import Task
from bridge.state.worker import Worker

MAX_TASKS = 100_000
"""About 130 MB at 1.3 KB a task, and two minutes of tasks at 1,000 a second that each live that long."""

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
        self.workers: OrderedDict[str, Worker] = OrderedDict()
        self._running: OrderedDict[str, Task] = OrderedDict()
        self._over: OrderedDict[str, Task] = OrderedDict()

    def __len__(self) -> int:
        """How many tasks are held."""
        return len(self._running) + len(self._over)

    def task(self, uuid: str) -> Task | None:
        """The task with this uuid, touched; None when no event of it was seen (or it was evicted)."""
        task = self._running.get(uuid)
        if task is not None:
            self._running.move_to_end(uuid)
            return task
        task = self._over.get(uuid)
        if task is not None:
            self._over.move_to_end(uuid)
        return task

    def tasks(self) -> list[Task]:
        """All of them, the one that leaves last first: those that run, then those that ended, newest touched first."""
        return [*reversed(self._running.values()), *reversed(self._over.values())]

    def restore(self, tasks: Sequence[Task], workers: Iterable[Worker]) -> None:
        """
        Take over what another state held; call on an empty one.

        Args:
            tasks: each once, in the order of `tasks`; those beyond `max_tasks` are left out.
            workers: the one heard last comes last.
        """
        for task in reversed(tasks[: self.max_tasks]):
            (self._running if task.over_at is None else self._over)[task.uuid] = task
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
        if not uuid or not isinstance(uuid, str):
            return None
        task = self._running.get(uuid)
        if task is not None:
            self._running.move_to_end(uuid)
        else:
            task = self._over.get(uuid)
            if task is None:
                task = self._new_task(uuid)
            else:
                self._over.move_to_end(uuid)
        was_over = task.over_at
        fresh = task.fold(subject, fields, event_id, event_time)
        if task.over_at is not was_over and (task.over_at is None or was_over is None):
            self._move(uuid, task)
        if subject != "sent":  # case 5: that was the client
            worker = self.workers.get(fields[HOSTNAME])
            if worker is None:
                worker = self._hear_new(fields[HOSTNAME], subject, received_at)
            elif worker.online and worker.heard_at != received_at:  # case 6; a read's events are heard at one time
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

    def _move(self, uuid: str, task: Task) -> None:
        """It ended, or runs again: into the other of the two."""
        source, target = (self._running, self._over) if task.over_at is not None else (self._over, self._running)
        if source.pop(uuid, None) is not None:  # with max_tasks 0 it was evicted at once
            target[uuid] = task

    def _new_task(self, uuid: str) -> Task:
        task = self._running[uuid] = Task(uuid)
        if len(self._running) + len(self._over) > self.max_tasks:
            (self._over or self._running).popitem(last=False)
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
            worker = self.workers[intern(hostname)] = Worker(hostname)
            if len(self.workers) > self.max_workers:
                self.workers.popitem(last=False)
        else:
            self.workers.move_to_end(hostname)
        return worker
