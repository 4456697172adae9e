"""One contender drains one backlog, and what that cost."""

import asyncio
import contextlib
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.bench import pubsub
from tests.bench.backlog import declare, fill
from tests.bench.contenders import Contender, Ends
from tests.bench.cost import cpu_seconds, peak_rss_mib
from tests.bench.load import Message
from tests.bench.topic import Topic
from tests.servers.kafka import KafkaServer
from tests.servers.process import ServerProcess
from tests.servers.rabbitmq import RabbitServer
from tests.servers.redis import RedisServer

CHECKOUT = Path(__file__).parents[2]
_LOOK_SECONDS = 0.05  # between two looks at the end offsets: 1 ms of Kafka's time each
_STALLED_SECONDS = 60.0  # nothing new for so long: the rest is lost
_QUIET_SHARE = 0.1  # of one core, of the servers together: what they did before is over
_QUIET_WITHIN_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Drained:
    """What one run took, per event where it says so. CPU is user and system time."""

    events: int
    cpu_us: float
    """Per event, of the contender's whole process, from its start until Kafka held the last record."""
    start_seconds: float
    """CPU of the contender until Kafka held its first records."""
    broker_us: float
    """Of RabbitMQ or Redis, in the same span."""
    kafka_us: float
    per_second: float
    """Events a second, from the first records in Kafka to the last."""
    peak_rss_mib: float
    fault: str = ""
    """What became of the events, when not each of them is in Kafka exactly once."""
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Load:
    """One backlog: what is published, and what tells its events apart (`load.identity`)."""

    messages: Sequence[Message]
    expected: set[str]


@dataclass(frozen=True, slots=True)
class Servers:
    """Real servers, running."""

    kafka: KafkaServer
    rabbitmq: RabbitServer
    redis: RedisServer | None = None

    def cpu_seconds(self, contender: Contender) -> tuple[float, float]:
        """Of the contender's broker and of Kafka's Java machine."""
        if contender.broker == "redis" and self.redis:
            broker = self.redis.process.pid or 0
        else:
            broker = int((self.rabbitmq.folder / "pid").read_text())
        return cpu_seconds(broker), cpu_seconds(self.kafka.process.pid or 0)

    def ends(self, contender: Contender, topic: str) -> Ends:
        """What a contender is told."""
        url = self.redis.url if contender.broker == "redis" and self.redis else self.rabbitmq.url
        return Ends(url, self.kafka.bootstrap, topic, self.rabbitmq.stream_port)

    async def quiet(self, contender: Contender) -> None:
        """Wait until they have done what they were told before; it must not count for whoever comes next."""
        deadline = time.monotonic() + _QUIET_WITHIN_SECONDS
        while time.monotonic() < deadline:
            before = sum(self.cpu_seconds(contender))
            await asyncio.sleep(0.5)
            if sum(self.cpu_seconds(contender)) - before < 0.5 * _QUIET_SHARE:
                return


async def drain(contender: Contender, servers: Servers, load: Load) -> Drained:
    """
    Fill a contender's queue, start it, wait until Kafka holds as many records as there are events, stop it, and look at
    every record. What reads from Redis is started first, and fed.

    Raises:
        RuntimeError: the contender ended by itself, or says that it did something else; holds the end of its log.
        TimeoutError: it did not subscribe.
    """
    if contender.queue:
        declare(servers.rabbitmq, contender)
        fill(servers.rabbitmq, load.messages)
    log = servers.kafka.folder / "contender.log"
    log.unlink(missing_ok=True)
    try:
        async with Topic(servers.kafka.bootstrap) as topic:
            await servers.quiet(contender)
            command = contender.command(servers.ends(contender, topic.name))
            process = ServerProcess(command, log=log, cwd=CHECKOUT)
            watch = _Watch(contender, process, topic, servers)
            try:
                drained = await watch.run(load)
            finally:
                process.stop()
            if contender.not_to_say and contender.not_to_say in log.read_text(errors="replace"):
                raise RuntimeError(f"{contender.not_to_say}: {log.read_text(errors='replace')[-2000:]}")
            found = await topic.identities()
        left = 0 if contender.stream or not contender.queue else servers.rabbitmq.depth(contender.queue) or 0
    finally:
        if contender.queue:
            servers.rabbitmq.delete(contender.queue)
    fault, lost = account(load.expected, found, left)
    if fault:
        print(f"  {contender.name}: {fault}\n{log.read_text(errors='replace')[-2000:]}", file=sys.stderr)
    return replace(drained, fault=fault, lost=lost)


class _Watch:
    """Sees a contender from its start to its last record."""

    def __init__(self, contender: Contender, process: ServerProcess, topic: Topic, servers: Servers) -> None:
        self._contender = contender
        self._process = process
        self._topic = topic
        self._servers = servers
        self._count = 0

    async def run(self, load: Load) -> Drained:
        commands = pubsub.chunks(load.messages) if self._contender.broker == "redis" else None
        before = self._servers.cpu_seconds(self._contender)
        self._process.start()
        feeder = None if commands is None else asyncio.create_task(self._feed(commands))
        try:
            return await self._until(len(load.expected), before)
        finally:
            if feeder is not None:
                feeder.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await feeder

    async def _feed(self, commands: Sequence[tuple[int, int, bytes]]) -> None:
        redis = self._servers.redis
        assert redis is not None
        await pubsub.subscribed(redis)
        missed = await pubsub.publish(redis, commands, lambda: self._count)
        if missed:
            print(f"  {self._contender.name}: Redis had nobody to give {missed} messages to", file=sys.stderr)

    async def _until(self, events: int, before: tuple[float, float]) -> Drained:
        process, pid = self._process, self._process.pid or 0
        first: tuple[float, int] | None = None
        start_seconds, seen_at = 0.0, time.monotonic()
        while self._count < events and time.monotonic() - seen_at < _STALLED_SECONDS:
            await asyncio.sleep(_LOOK_SECONDS)
            if not process.running:
                raise RuntimeError(f"it ended by itself:\n{process.log.read_text(errors='replace')[-4000:]}")
            count, now = await self._topic.count(), time.monotonic()
            if count > self._count:
                self._count, seen_at = count, now
                if first is None:
                    first, start_seconds = (now, count), cpu_seconds(pid)
        cpu, after = cpu_seconds(pid), self._servers.cpu_seconds(self._contender)
        began, at_first = first or (seen_at, 0)
        drained = Drained(
            events=events,
            cpu_us=cpu / events * 1e6,
            start_seconds=start_seconds,
            broker_us=(after[0] - before[0]) / events * 1e6,
            kafka_us=(after[1] - before[1]) / events * 1e6,
            per_second=(self._count - at_first) / max(seen_at - began, _LOOK_SECONDS),
            peak_rss_mib=peak_rss_mib(pid),
        )
        await self._topic.settled()
        return drained


def account(expected: set[str], found: list[str], left: int) -> tuple[str, bool]:
    """What is wrong, in words, and whether events were lost."""
    distinct = set(found)
    counts = {
        "lost": len(expected - distinct),
        "repeated": len(found) - len(distinct),
        "strange": len(distinct - expected),
        "messages left in the queue": left,
    }
    return ", ".join(f"{number} {what}" for what, number in counts.items() if number), bool(counts["lost"])
