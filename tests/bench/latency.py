"""
`make bench-latency`: how long one event takes from its publication until a consumer of the topic has it.

Events are published to RabbitMQ one by one at a steady rate; a consumer notes when each record arrives. That is a fetch
more than Kafka's acknowledgement: what is printed is never too low. Each process runs on the machine's two cores with
both servers. Exits with 1 when the bar is missed.
"""

import argparse
import asyncio
import sys
import threading
import time
from collections.abc import Sequence

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from bridge.clients.queue import EXCHANGE
from tests.bench.__main__ import CONTENDERS, servers
from tests.bench.backlog import amqp_message, declare
from tests.bench.contenders import Contender
from tests.bench.drain import CHECKOUT, Servers
from tests.bench.load import Message, identity, messages
from tests.bench.report import head
from tests.bench.topic import PARTITIONS, Topic
from tests.servers.kafka import fetch
from tests.servers.kafka import why_not as kafka_why_not
from tests.servers.process import ServerProcess, sweep
from tests.servers.rabbitmq import RabbitServer
from tests.servers.rabbitmq import why_not as rabbitmq_why_not

P99_BAR_MS = 60.0
"""From publication to record at 100 events a second, quorum queue."""

_WARM_UP_EVENTS = 200  # until imports, connections and the JVM are behind us
_ARRIVES_WITHIN_SECONDS = 60.0


def main() -> int:
    """Parse, measure, print; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.latency", description="publication to record")
    parser.add_argument("--rate", type=float, default=100.0, help="events a second (default: %(default)s)")
    parser.add_argument("--events", type=int, default=6000, help="counted ones (default: %(default)s)")
    parser.add_argument("--only", default="quorum", help="contender, see tests.bench (default: %(default)s)")
    options = parser.parse_args()
    contender = next(one for one in CONTENDERS if one.key == options.only)
    reason = rabbitmq_why_not() or kafka_why_not() or contender.why_not()
    if reason:
        print(f"no benchmark here: {reason}", file=sys.stderr)
        return 1
    sweep()
    fetch()
    with servers() as running:
        print(*head(running.rabbitmq), "", sep="\n", flush=True)
        taken = asyncio.run(_measure(contender, running, options.rate, options.events))
    return _verdict(contender, options.rate, sorted(taken))


async def _measure(contender: Contender, running: Servers, rate: float, events: int) -> list[float]:
    """Milliseconds of each counted event."""
    declare(running.rabbitmq, contender)
    log = running.kafka.folder / "contender.log"
    published = list(messages("single", events + _WARM_UP_EVENTS))
    sent: dict[str, float] = {}
    async with Topic(running.kafka.bootstrap) as topic:
        process = ServerProcess(contender.command(running.ends(contender, topic.name)), log=log, cwd=CHECKOUT)
        process.start()
        thread = threading.Thread(target=_publish, args=(running.rabbitmq, published, rate, sent), daemon=True)
        try:
            thread.start()
            arrived = await _arrivals(running.kafka.bootstrap, topic.name, len(published))
        finally:
            process.stop()
            running.rabbitmq.delete(contender.queue)
    thread.join(10)
    counted = [identity(orjson.loads(message.body)) for message in published[_WARM_UP_EVENTS:]]
    return [(arrived[name] - sent[name]) * 1000 for name in counted]


def _publish(server: RabbitServer, published: Sequence[Message], rate: float, sent: dict[str, float]) -> None:
    with server.connect() as connection:
        channel = connection.channel()
        due = time.monotonic()
        for message in published:
            name, body = identity(orjson.loads(message.body)), amqp_message(message)
            time.sleep(max(0.0, due - time.monotonic()))
            sent[name] = time.monotonic()
            channel.basic_publish(body, EXCHANGE, message.routing_key)
            due += 1 / rate


async def _arrivals(bootstrap: str, topic: str, events: int) -> dict[str, float]:
    """
    When each event's first record was seen.

    Raises:
        TimeoutError: nothing came for long, and some are missing.
    """
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    seen: dict[str, float] = {}
    try:
        consumer.assign([TopicPartition(topic, number) for number in range(PARTITIONS)])
        while len(seen) < events:
            record = await asyncio.wait_for(consumer.getone(), _ARRIVES_WITHIN_SECONDS)
            seen.setdefault(identity(orjson.loads(record.value)), time.monotonic())
    finally:
        await consumer.stop()
    return seen


def _verdict(contender: Contender, rate: float, taken: Sequence[float]) -> int:
    shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}
    values = {name: taken[min(len(taken) - 1, int(len(taken) * share))] for name, share in shares.items()}
    figures = ", ".join(f"{name} {value:.1f}" for name, value in values.items())
    print(f"{contender.name}, {len(taken):,} events at {rate:g}/s, ms: {figures}, max {taken[-1]:.1f}")
    cleared = values["p99"] <= P99_BAR_MS
    print(f"bar: p99 at most {P99_BAR_MS:g} ms: {values['p99']:.1f}: {'cleared' if cleared else 'MISSED'}")
    return 0 if cleared else 1


if __name__ == "__main__":
    sys.exit(main())
