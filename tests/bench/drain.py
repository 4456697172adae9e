"""One contender drains one backlog, and what that cost."""

import asyncio
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from tests.bench.contenders import Contender, Ends
from tests.bench.cost import cpu_seconds, peak_rss_mib
from tests.bench.topic import Topic
from tests.servers.kafka import KafkaServer
from tests.servers.process import ServerProcess
from tests.servers.rabbitmq import RabbitServer

_CHECKOUT = Path(__file__).parents[2]
_LOOK_SECONDS = 0.05  # between two looks at the end offsets: 1 ms of Kafka's time each
_STALLED_SECONDS = 60.0  # nothing new for so long: the rest is lost
_QUIET_SHARE = 0.1  # of one core, of both servers together: what they did before is over
_QUIET_WITHIN_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Drained:
    """What one run took, per event where it says so. CPU is user and system time."""

    events: int
    cpu_us: float
    """Per event, of the contender's whole process, from its start until Kafka held the last record."""
    start_seconds: float
    """CPU of the contender until Kafka held its first records."""
    rabbitmq_us: float
    kafka_us: float
    per_second: float
    """Events a second, from the first records in Kafka to the last."""
    peak_rss_mib: float
    fault: str = ""
    """What became of the events, when not each of them is in Kafka exactly once."""
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Servers:
    """A real RabbitMQ and a real Kafka, running."""

    rabbitmq: RabbitServer
    kafka: KafkaServer

    def cpu_seconds(self) -> tuple[float, float]:
        """Of RabbitMQ's Erlang machine and of Kafka's Java machine."""
        beam = int((self.rabbitmq.folder / "pid").read_text())
        return cpu_seconds(beam), cpu_seconds(self.kafka.process.pid or 0)

    async def quiet(self) -> None:
        """Wait until they have done what they were told before; it must not count for whoever comes next."""
        deadline = time.monotonic() + _QUIET_WITHIN_SECONDS
        while time.monotonic() < deadline:
            before = sum(self.cpu_seconds())
            await asyncio.sleep(0.5)
            if sum(self.cpu_seconds()) - before < 0.5 * _QUIET_SHARE:
                return


async def drain(contender: Contender, servers: Servers, expected: set[str]) -> Drained:
    """
    Start a contender on its full queue, wait until Kafka holds as many records as there are events, stop it, and look
    at every record.

    Args:
        expected: `load.identity` of every event in its queue.

    Raises:
        RuntimeError: the contender ended by itself; holds the end of its log.
    """
    async with Topic(servers.kafka.bootstrap) as topic:
        await servers.quiet()
        log = servers.kafka.folder / "contender.log"
        log.unlink(missing_ok=True)
        ends = Ends(servers.rabbitmq.url, servers.kafka.bootstrap, topic.name)
        process = ServerProcess(contender.command(ends), log=log, cwd=_CHECKOUT)
        process.start()
        try:
            drained = await _watch(process, topic, servers, len(expected))
        finally:
            process.stop()
        found = await topic.identities()
    left = servers.rabbitmq.depth(contender.queue) or 0
    fault, lost = account(expected, found, left)
    if fault:
        print(f"  {contender.name}: {fault}\n{log.read_text(errors='replace')[-2000:]}", file=sys.stderr)
    return replace(drained, fault=fault, lost=lost)


async def _watch(process: ServerProcess, topic: Topic, servers: Servers, events: int) -> Drained:
    pid = process.pid or 0
    servers_before = servers.cpu_seconds()
    first: tuple[float, int] | None = None
    start_seconds, count, seen_at = 0.0, 0, time.monotonic()
    while count < events and time.monotonic() - seen_at < _STALLED_SECONDS:
        await asyncio.sleep(_LOOK_SECONDS)
        if not process.running:
            raise RuntimeError(f"the contender ended:\n{process.log.read_text(errors='replace')[-4000:]}")
        now_count, now = await topic.count(), time.monotonic()
        if now_count > count:
            count, seen_at = now_count, now
            if first is None:
                first, start_seconds = (now, count), cpu_seconds(pid)
    cpu, servers_after = cpu_seconds(pid), servers.cpu_seconds()
    began, at_first = first or (seen_at, 0)
    return Drained(
        events=events,
        cpu_us=cpu / events * 1e6,
        start_seconds=start_seconds,
        rabbitmq_us=(servers_after[0] - servers_before[0]) / events * 1e6,
        kafka_us=(servers_after[1] - servers_before[1]) / events * 1e6,
        per_second=(count - at_first) / max(seen_at - began, _LOOK_SECONDS),
        peak_rss_mib=peak_rss_mib(pid),
    )


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
