"""Steps that the claims about sources and sinks are told in."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

from bridge.errors import EndOfStream
from bridge.model import Delivery, Gap
from bridge.sources import Source
from tests.contract.harness import Harness, SourceHarness
from tests.running import run

# "It is still waiting" is shown by its not being done after this long; a claim that it ends waits for the end itself.
STILL_SECONDS = 0.2


def claim(harness: Harness, check: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `check` inside the harness, within its time."""

    async def inside() -> None:
        async with harness:
            await check()

    run(inside(), seconds=harness.seconds)


@contextlib.asynccontextmanager
async def reading(harness: SourceHarness, position: bytes | None = None) -> AsyncIterator[Source]:
    """A source of the harness, connected and started."""
    async with harness.source() as source:
        await source.acquire()
        await source.start(position)
        yield source


@contextlib.asynccontextmanager
async def background(work: Coroutine[Any, Any, Any]) -> AsyncIterator[asyncio.Task[Any]]:
    """`work` as a task, which is cancelled when the block ends before it."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def still_waits(task: asyncio.Task[Any]) -> bool:
    """Whether the task does not end by itself."""
    await asyncio.wait({task}, timeout=STILL_SECONDS)
    return not task.done()


async def take(source: Source, deliveries: int) -> list[Delivery]:
    """Read until there are that many deliveries; gaps are passed over."""
    taken: list[Delivery] = []
    while len(taken) < deliveries:
        taken += [item for item in await source.read() if isinstance(item, Delivery)]
    return taken


async def drain(source: Source) -> list[Delivery | Gap]:
    """Read until EndOfStream."""
    taken: list[Delivery | Gap] = []
    with contextlib.suppress(EndOfStream):
        while True:
            taken += await source.read()
    return taken


def bodies(first: int, last: int, size: int = 0) -> list[bytes]:
    """Different bodies, numbered from `first` to `last`, each of at least `size` bytes."""
    texts = (b'{"type":"contract","number":%d,"padding":"' % number for number in range(first, last + 1))
    return [text + b"x" * (size - len(text) - 2) + b'"}' for text in texts]


def bodies_of(items: list[Delivery] | list[Delivery | Gap]) -> list[bytes]:
    """The bodies of the deliveries among them, in order."""
    return [item.body for item in items if isinstance(item, Delivery)]


async def confirmed(confirmation: Awaitable[None]) -> None:
    """Await it: a task needs a coroutine, and a sink may return any awaitable."""
    await confirmation
