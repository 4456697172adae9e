"""What the gaps and the estimate of lost events say after real outages, beside a ledger of what Redis accepted."""

import asyncio
import base64
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any
from uuid import uuid4

import orjson
import pytest
from redis import Redis, RedisError

from bridge.encode import LineEncoder
from bridge.filter import Filter, Patterns
from bridge.formats.raw import raw
from bridge.model import Gap
from bridge.pipeline import Pipeline
from bridge.sources.redis import RedisSource
from bridge.state import ClusterState
from bridge.validate import Schemas
from tests.celeryapp import Worker, add, send
from tests.running import run, until
from tests.servers.proxy import Proxy
from tests.servers.redis import RedisServer

pytestmark = pytest.mark.servers("redis")

TASKS = 150


class Listener:
    """Reads a source through a pipeline, as a chain does, and counts."""

    def __init__(self) -> None:
        everything = Patterns((), ())
        self.pipeline = Pipeline(
            schemas=Schemas.load(),
            state=ClusterState(),
            encoder=LineEncoder(raw, cluster="celery", gap=None),
            passes=Filter(everything, everything, everything),
        )
        self.received = 0
        self.gaps: list[Gap] = []
        self.clocks: set[int] = set()
        """Of the events that arrived."""

    async def listen(self, source: RedisSource) -> None:
        while True:
            items = await source.read()
            for item in items:
                if isinstance(item, Gap):
                    self.gaps.append(item)
                else:
                    body = orjson.loads(item.body)
                    self.clocks.update(one["clock"] for one in (body if isinstance(body, list) else [body]))
            while items:
                batch = self.pipeline.transform(items)
                self.received += batch.tally.received
                items = items[batch.taken :]

    @property
    def estimate(self) -> int:
        return self.pipeline.losses.events(self.received, self.pipeline.state.starts)


def test_the_estimate_is_what_an_outage_took(redis_servers: Callable[..., RedisServer]) -> None:
    """Two listeners, one behind a network that breaks: what only the other one heard is estimated within 5 %."""
    server = redis_servers()

    async def check() -> None:
        whole, broken = Listener(), Listener()

        def heard(starts: int) -> bool:
            return whole.pipeline.state.starts == starts

        async with Proxy(server.port) as proxy:
            near, far = RedisSource(server.url), RedisSource(f"redis://127.0.0.1:{proxy.port}/0")
            async with near, far, asyncio.TaskGroup() as listening:
                tasks = [listening.create_task(whole.listen(near)), listening.create_task(broken.listen(far))]
                with Worker(server.url):
                    for phase in range(3):
                        if phase == 1:
                            await proxy.down()
                        await asyncio.to_thread(lambda: [send(add, n, n) for n in range(TASKS)])
                        await until(lambda phase=phase: heard(TASKS * (phase + 1)), seconds=60)  # type: ignore[misc]
                        if phase == 1:
                            await proxy.up()
                            await until(lambda: len(broken.gaps) == 1, seconds=20)
                    await until(lambda: broken.estimate > 0, seconds=30)
                lost = whole.received - broken.received
                for task in tasks:
                    task.cancel()
        assert broken.pipeline.losses.starts == TASKS
        assert abs(broken.estimate - lost) <= 0.05 * lost, f"{broken.estimate} for {lost}"
        assert whole.estimate == 0
        print(f"estimated {broken.estimate}, lost {lost}")

    run(check(), seconds=110)


class Simulated:
    """
    A worker that does a task every millisecond or two and counts it, in a thread. As Celery's, it keeps what it cannot
    send and sends it later.

    Args:
        number: makes its name and pid.
        port: of the server.
    """

    def __init__(self, number: int, port: int) -> None:
        self._base = {"hostname": f"w{number}", "pid": 100 + number, "utcoffset": 0}
        self._client: Any = Redis(port=port, socket_timeout=2, socket_connect_timeout=2)
        self._clocks = count(number * 10_000_000)
        self._unsent: list[list[dict[str, Any]]] = []
        self.accepted: dict[int, float] = {}
        """Clock of each event that Redis took -> when."""
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """It works while the block runs; its last heartbeats are sent at the end."""
        self._thread.start()
        try:
            yield
        finally:
            self._end.set()
            self._thread.join()

    def _run(self) -> None:
        processed, beats_at = 0, 0.0
        while not self._end.wait(0.001):
            self._task()
            processed += 1
            if time.monotonic() >= beats_at:
                self._beat(processed)
                beats_at = time.monotonic() + 0.2
        self._beat(processed)
        self._beat(processed)
        self._client.close()

    def _task(self) -> None:
        uuid = str(uuid4())
        about: dict[str, Any] = {"name": "a", "args": "()", "kwargs": "{}", "retries": 0, "eta": None, "expires": None}
        self._send([self._event("task-received", uuid=uuid, root_id=uuid, parent_id=None, **about)])
        self._send(
            [
                self._event("task-started", uuid=uuid),
                self._event("task-succeeded", uuid=uuid, result="1", runtime=0.1),
            ]
        )

    def _beat(self, processed: int) -> None:
        counts = {"freq": 0.2, "active": 1, "processed": processed, "loadavg": [0.1, 0.1, 0.1]}
        software = {"sw_ident": "py-celery", "sw_ver": "5.7.0", "sw_sys": "Linux"}
        self._send([self._event("worker-heartbeat", **counts, **software)])

    def _event(self, type_: str, **fields: Any) -> dict[str, Any]:
        return {"type": type_, "clock": next(self._clocks), "timestamp": time.time(), **self._base, **fields}

    def _send(self, events: list[dict[str, Any]]) -> None:
        self._unsent.append(events)
        with contextlib.suppress(RedisError, OSError):
            while self._unsent:
                body = base64.b64encode(orjson.dumps(self._unsent[0])).decode()
                at = time.time()
                envelope = {"body": body, "content-type": "application/json", "properties": {"body_encoding": "base64"}}
                self._client.publish("/0.celeryev/task.multi", orjson.dumps(envelope))
                self.accepted |= {event["clock"]: at for event in self._unsent.pop(0)}


def test_all_that_kills_of_the_server_took_is_inside_gaps_and_estimated(
    redis_servers: Callable[..., RedisServer],
) -> None:
    """kill -9 under load: as many gaps as kills, every event that was lost inside one, the number within 2 %."""
    server, kills = redis_servers(), 4
    workers = [Simulated(number, server.port) for number in (1, 2)]
    listener = Listener()

    async def check() -> None:
        async with RedisSource(server.url) as source:
            listening = asyncio.create_task(listener.listen(source))
            with workers[0].working(), workers[1].working():
                for kill in range(kills):
                    heard = len(listener.clocks)
                    await until(lambda heard=heard: len(listener.clocks) > heard + 2000, seconds=30)  # type: ignore[misc]
                    server.kill()
                    server.start()
                    await until(lambda kill=kill: len(listener.gaps) == kill + 1, seconds=30)  # type: ignore[misc]
                heard = len(listener.clocks)
                await until(lambda: len(listener.clocks) > heard + 2000, seconds=30)
            last = [max(worker.accepted) for worker in workers]
            await until(lambda: listener.clocks.issuperset(last))
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    run(check(), seconds=110)
    accepted = workers[0].accepted | workers[1].accepted
    lost = accepted.keys() - listener.clocks
    windows = [(gap.from_time, gap.to_time) for gap in listener.gaps]
    assert [gap.reason for gap in listener.gaps] == ["disconnected"] * kills
    assert [clock for clock in lost if not any(begin <= accepted[clock] <= end for begin, end in windows)] == []
    print(f"lost {len(lost)} of {len(accepted)}, estimated {listener.estimate}")
    # a gap may begin and end within a task, of each of two workers
    assert abs(listener.estimate - len(lost)) <= 0.02 * len(lost) + kills * 2 * 3
