"""
`celery-bridge demo`: a shop's Celery client, worker and broker in this process, in front of the real chain.

Needs no server and no configuration of anybody's. The broker is kombu's memory transport, which carries events between
threads of one process and loses none (measured with the solo and the threads pool); prefork would lose what its
children send.
"""

import asyncio
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from typing import Any

from celery import Celery
from celery.app.trace import reset_worker_optimizations
from celery.apps.worker import Worker
from celery.worker import state as worker_state

from bridge import service
from bridge.config import Config, SourceEnd, Url
from bridge.errors import SourceError

BROKER = "memory://localhost/"

ORDERS = 3
"""Orders of one demo: 20 events each, all kinds of task events in every one."""

ORDER_EVERY_SECONDS = 0.8
"""The last order's review is then due 2.8 s after the worker came online, so that a heartbeat (every 2 s) is seen."""

POLL_SECONDS = 0.02
"""How often the memory transport and we look; it adds as much to a task's time in the queue (kombu's default: 1 s)."""

WORKER_NAME = "worker@shop"


class Shop(Celery):  # type: ignore[misc] # Celery ships no types
    """
    The application. Celery prefers CELERY_BROKER_URL and CELERY_RESULT_BACKEND to what its constructor is given
    (celery/app/utils.py, `Settings.broker_url`): a demo must not reach the servers that a user's shell names.
    """

    backend_cls = "cache+memory://"

    def connection_for_read(self, url: str | None = None, **options: object) -> Any:
        return super().connection_for_read(BROKER, **options)

    def connection_for_write(self, url: str | None = None, **options: object) -> Any:
        return super().connection_for_write(BROKER, **options)


class InProcessWorker(Worker):  # type: ignore[misc] # Celery ships no types
    """Celery's worker program without what belongs to a process of its own: signals, title, banner, logging."""

    def on_before_init(self, quiet: bool = False, **options: object) -> None:
        self.quiet = True  # no banner; and no warning about root, who may well try a demo

    def setup_logging(self, colorize: bool | None = None) -> bool:
        return True  # "somebody else did it"

    def install_platform_tweaks(self, worker: object) -> None:
        """Signals belong to the main thread, where the chain runs."""

    def set_process_status(self, info: str) -> None:
        """The process is called what the user called."""


def charge_card(task: Any, order: int, amount: float) -> str:
    if task.request.retries == 0:
        raise task.retry(exc=ConnectionError("the bank did not answer"), countdown=0.3)
    _work(0.15)
    task.send_event("order-paid", order=order, amount=amount)
    return f"receipt-{order}"


def send_receipt(order: int, to: str) -> str:
    _work(0.1)
    return f"sent to {to}"


def resize_photo(order: int, width: int) -> int:
    _work(0.05)
    return 1200 // width


def ask_for_review(order: int) -> None:
    """Never runs: it is revoked while it waits."""


def _work(seconds: float) -> None:
    threading.Event().wait(seconds)


def open_shop() -> Shop:
    """The application with its tasks, untouched by the environment, not Celery's current app."""
    shop = Shop("shop", broker=BROKER, loader="app", fixups=[], set_as_current=False)
    shop.conf.update(
        broker_connection_retry_on_startup=False,
        broker_transport_options={"polling_interval": POLL_SECONDS},
        task_send_sent_event=True,
    )
    shop.task(charge_card, name="shop.charge_card", bind=True)
    for function in (send_receipt, resize_photo, ask_for_review):
        shop.task(function, name=f"shop.{function.__name__}")
    return shop


class Staff:
    """The shop's worker on a thread of its own, and the tasks that were given to it and have not ended."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._pending: list[Any] = []
        self._ready = threading.Event()
        self._worker = InProcessWorker(
            app=shop,
            hostname=WORKER_NAME,
            pool_cls="threads",
            concurrency=2,
            task_events=True,
            without_gossip=True,
            without_mingle=True,  # both look for other workers, for 1 s
            ready_callback=lambda _consumer: self._ready.set(),
        )
        # A daemon: a second signal must be able to end the process while a task runs.
        self._thread = threading.Thread(target=self._worker.start, name="demo-worker", daemon=True)

    async def begin(self) -> None:
        """Start the worker and wait until it takes tasks."""
        self._thread.start()
        await self._until(self._ready.is_set)

    async def order(self, number: int) -> None:
        """One customer: the tasks of one order, of which one is retried, one fails and one is revoked."""
        tasks = self.shop.tasks
        review = tasks["shop.ask_for_review"].apply_async((number,), countdown=1.2)
        self._pending += [
            review,
            tasks["shop.charge_card"].delay(number, amount=19.5 * number),
            tasks["shop.send_receipt"].delay(number, to=f"customer{number}@example.com"),
            tasks["shop.resize_photo"].delay(number, width=0),
        ]
        await self._until(lambda: review.id in worker_state.requests)
        review.revoke()  # Celery tells it when the task is due, not now

    async def finish(self) -> None:
        """Wait until every task has ended, then stop the worker as `celery control shutdown` does. May be repeated."""
        if self.working:
            await self._until(lambda: not self.unfinished())
            self.shop.control.shutdown()
        await _until(lambda: not self.working)
        reset_worker_optimizations(self.shop)
        self.shop.close()

    @property
    def working(self) -> bool:
        """Whether the worker's thread is alive."""
        return self._thread.is_alive()

    def unfinished(self) -> int:
        """Tasks that are queued, waiting for their time or the next attempt, or running."""
        self._pending = [r for r in self._pending if not r.ready() or r.id in worker_state.requests]
        return len(self._pending)

    async def _until(self, condition: Callable[[], bool]) -> None:
        """Raises SourceError when the worker ends instead."""
        await _until(lambda: condition() or not self.working)
        if not self.working:
            raise SourceError("the demo's worker ended by itself")


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - it is other threads that make it true, and none of them tells us
        await asyncio.sleep(POLL_SECONDS)


async def run(config: Config, *, forever: bool = False) -> int:
    """
    Serve customers through a chain that reads from this process: 3 orders, or orders until SIGINT or SIGTERM.

    Whatever ends it, the worker finishes its tasks and says goodbye first, then the chain reads what is left and ends.
    A second signal ends the process at once. Celery's loggers are quiet meanwhile: the tasks fail on purpose.

    Args:
        config: as `run` takes it; its sources are replaced by the memory broker.

    Returns:
        The chain's exit code.

    Raises:
        BridgeError: as `service.run`; SourceError when the worker ends by itself.
    """
    leave, read_all = asyncio.Event(), asyncio.Event()
    config = replace(config, sources=(SourceEnd(url=Url(BROKER)),))
    with _quiet_celery(), _signals_set(leave):
        chain = asyncio.create_task(service.run(config, stop=read_all), name="demo chain")
        play = asyncio.create_task(_play(leave, chain.done, forever=forever), name="demo play")
        try:
            await asyncio.wait((chain, play), return_when=asyncio.FIRST_COMPLETED)
            leave.set()  # a chain that ended first (the reader of stdout left) closes the shop too
            await play
        finally:
            play.cancel()
            read_all.set()
            code = await chain
        return code


async def _play(leave: asyncio.Event, nobody_reads: Callable[[], bool], *, forever: bool) -> None:
    """Open when the chain listens, serve, close when all was read."""
    shop = open_shop()
    with shop.connection_for_read() as connection:
        channel = connection.default_channel
        await _until(lambda: bool(_event_queues(channel)) or leave.is_set())
        if not leave.is_set():
            await _serve(Staff(shop), leave, forever=forever)
            await _until(lambda: nobody_reads() or not _unread(channel))


async def _serve(staff: Staff, leave: asyncio.Event, *, forever: bool) -> None:
    await staff.begin()
    for number in count(1):
        if leave.is_set() or (number > ORDERS and not forever):
            break
        await staff.order(number)
        with suppress(TimeoutError):
            async with asyncio.timeout(ORDER_EVERY_SECONDS):
                await leave.wait()
    await staff.finish()


def _event_queues(channel: Any) -> list[str]:
    """Names of the queues bound to the exchange of events. kombu's virtual transports keep the table in the channel."""
    try:
        return [queue for _, _, queue in channel.get_table("celeryev")]
    except KeyError:  # the exchange was never declared
        return []


def _unread(channel: Any) -> int:
    """Events in the broker that no source has taken."""
    return sum(channel.queue_declare(queue, passive=True).message_count for queue in _event_queues(channel))


@contextmanager
def _quiet_celery() -> Iterator[None]:
    levels = {"celery": logging.ERROR, "celery.app.trace": logging.CRITICAL}  # trace logs the failure that is the point
    before = {name: logging.getLogger(name).level for name in levels}
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


@contextmanager
def _signals_set(leave: asyncio.Event) -> Iterator[None]:
    """The first SIGINT or SIGTERM sets the event; from then on they do what they do by default."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def first() -> None:
        leave.set()
        for number in signals:
            loop.remove_signal_handler(number)

    for number in signals:
        loop.add_signal_handler(number, first)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
