"""What the estimate of lost events says after a real outage, beside a ledger of what Redis accepted."""

import asyncio
from collections.abc import Callable

import orjson
import pytest

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

        def missed() -> int:
            return whole.pipeline.state.starts - broken.pipeline.state.starts

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
                    # Two heartbeats after the outage; those on its edges may tell of a part.
                    await until(lambda: broken.pipeline.losses.starts == missed() > 0, seconds=30)
                lost = whole.received - broken.received
                for task in tasks:
                    task.cancel()
        assert missed() >= TASKS  # and what was on its way when the network broke
        assert abs(broken.estimate - lost) <= 0.05 * lost, f"{broken.estimate} for {lost}"
        assert whole.estimate == 0
        print(f"estimated {broken.estimate}, lost {lost}")

    run(check(), seconds=110)
