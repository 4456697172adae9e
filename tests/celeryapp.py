"""A real Celery app, and its worker as a process of its own: `celery -A tests.celeryapp worker`."""

import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from celery import Celery

from tests.servers.process import ServerProcess, folder

_BROKER = "BRIDGE_TESTS_BROKER"

app = Celery("tests.celeryapp", broker=os.environ.get(_BROKER, "memory://"))
app.conf.update(
    task_send_sent_event=True,
    worker_send_task_events=True,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    task_ignore_result=True,
)


@app.task(name="sums.add")
def add(x: int, y: int) -> int:
    """Succeeds."""
    return x + y


@app.task(name="sums.fail")
def fail(reason: str) -> None:
    """Fails."""
    raise ValueError(reason)


@app.task(name="parcels.deliver", bind=True, max_retries=1)
def deliver(self: Any, parcel: str) -> None:
    """Succeeds at the second attempt."""
    if not self.request.retries:
        raise self.retry(countdown=1, exc=ConnectionError("nobody at home"))


@app.task(name="orders.pay", bind=True)
def pay(self: Any, order: int) -> None:
    """Sends an event of the user's own."""
    self.send_event("order-paid", order=order)


class Worker:
    """
    One worker process with two threads, sending every event it can; a context manager that runs it.

    Args:
        broker: its URL. The app of this module sends there too while the worker runs.
        name: of the node, `<name>@test`.
    """

    def __init__(self, broker: str, *, name: str = "worker") -> None:
        self._broker = broker
        self._folder = folder("celery")
        options = ["--pool", "threads", "--concurrency", "2", "--task-events", "--hostname", f"{name}@test"]
        self.process = ServerProcess(
            [sys.executable, "-m", "celery", "-A", "tests.celeryapp", "worker", "--loglevel", "INFO", *options],
            log=self._folder / "worker.log",
            environment={**os.environ, _BROKER: broker},
            cwd=Path(__file__).parents[1],
        )

    def __enter__(self) -> Self:
        app.conf.broker_url = self._broker
        self.process.start()
        self.process.wait_until(lambda: b" ready." in self.process.log.read_bytes(), within=60)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.stop()
        app.pool.force_close_all()  # connections of this process that sent the tasks
        # It keeps the exchange of task-sent as the first broker had it: a topic, which on Redis reaches nobody.
        app.__dict__.pop("amqp", None)
        app.set_current()


def send(task: Any, *arguments: object) -> str:
    """Send the task by a connection of its own, closed afterwards; returns its uuid."""
    with app.connection_for_write() as connection, app.amqp.Producer(connection) as producer:
        return str(task.apply_async(arguments, producer=producer).id)
