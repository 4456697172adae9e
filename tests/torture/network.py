"""The network of a run: proxies on a thread of their own, for those who wait without an event loop."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

from tests.servers.kafka import KafkaServer
from tests.servers.proxy import Proxy
from tests.servers.rabbitmq import RabbitServer
from tests.torture.scene import Ports

T = TypeVar("T")

_ANSWER_SECONDS = 30.0
"""A proxy does what it is told at once; the thread may have to wait for a busy machine."""


class Link:
    """One proxy of a network; `port` is where it listens. Every method is done when it returns."""

    def __init__(self, proxy: Proxy, loop: asyncio.AbstractEventLoop) -> None:
        self._proxy = proxy
        self._loop = loop

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._proxy.port

    @property
    def accepted(self) -> int:
        """As `Proxy.accepted`."""
        return self._proxy.accepted

    def freeze(self, *, requests: bool = True, answers: bool = True) -> None:
        """As `Proxy.freeze`."""
        self._do(lambda: self._proxy.freeze(requests=requests, answers=answers))

    def slow(self, *, latency_seconds: float = 0.0, bytes_per_second: int = 0, slice_bytes: int = 0) -> None:
        """As `Proxy.slow`."""
        worse = {"bytes_per_second": bytes_per_second, "slice_bytes": slice_bytes}
        self._do(lambda: self._proxy.slow(latency_seconds=latency_seconds, **worse))

    def heal(self) -> None:
        """As `Proxy.heal`."""
        self._do(self._proxy.heal)

    def reset(self) -> None:
        """As `Proxy.reset`."""
        self.wait_for(self._proxy.reset)

    def wait_for(self, what: Callable[[], Awaitable[T]]) -> T:
        """Await something on the thread, and return its result."""

        async def done() -> T:
            return await what()

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result(_ANSWER_SECONDS)

    def _do(self, what: Callable[[], None]) -> None:
        async def done() -> None:
            what()

        self.wait_for(done)


class Network:
    """A context manager; its links end with it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network")
        self._proxies: list[Proxy] = []

    def link(self, port: int, *, listens: int = 0) -> Link:
        """A new one to that port of a server, healthy; it listens where one likes, or on any port."""
        proxy = Proxy(port)
        proxy.port = listens
        self._proxies.append(proxy)
        link = Link(proxy, self._loop)
        link.wait_for(proxy.up)
        return link

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for proxy in self._proxies:
            asyncio.run_coroutine_threadsafe(proxy.down(), self._loop).result(_ANSWER_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@dataclass(frozen=True)
class Links:
    """What lies between a bridge and its servers."""

    amqp: Link
    streams: Link
    kafka: Link

    @classmethod
    def between(cls, network: Network, kafka: KafkaServer, rabbitmq: RabbitServer) -> Self:
        """
        Args:
            kafka: with a listener PROXIED.
        """
        listens, port = kafka.through("PROXIED")
        return cls(network.link(rabbitmq.port), network.link(rabbitmq.stream_port), network.link(port, listens=listens))

    def to_rabbitmq(self, queue_type: str) -> Link:
        """The one that events come over."""
        return self.streams if queue_type == "stream" else self.amqp

    @property
    def ports(self) -> Ports:
        """For the bridge's URLs."""
        return Ports(self.amqp.port, self.streams.port, self.kafka.port)
