"""
`make bench`: what an event costs from a real RabbitMQ to a real Kafka, ours beside others.

Each round publishes one backlog to all contenders' queues at once and lets one after the other drain its own, in turns
first and last. Exits with 1 when a bar is missed.
"""

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence

import orjson

from tests.bench.backlog import declare, fill
from tests.bench.contenders import Contender, kombu, script
from tests.bench.drain import Drained, Servers, drain
from tests.bench.load import KINDS, Kind, Message, identity, messages
from tests.bench.report import head, table, verdict
from tests.servers.kafka import KafkaServer, fetch
from tests.servers.kafka import why_not as kafka_why_not
from tests.servers.process import sweep
from tests.servers.rabbitmq import RabbitServer
from tests.servers.rabbitmq import why_not as rabbitmq_why_not

CONTENDERS: tuple[Contender, ...] = (kombu.CONTENDER, script.CONTENDER)

_WARM_UP_EVENTS = 20_000  # the first run after Kafka's start pays for its JVM's warm-up
# What tests do without to start faster: the compiler that a Kafka in production runs with.
_JVM = ["-XX:TieredStopAtLevel=4", "-Xmx1g"]


def main() -> int:
    """Parse, start the servers, measure, print; the exit code."""
    options = _options()
    reason = rabbitmq_why_not() or kafka_why_not()
    if reason:
        print(f"no benchmark here: {reason}", file=sys.stderr)
        return 1
    sweep()
    fetch()
    contenders = [one for one in CONTENDERS if not _skipped(one)]
    with RabbitServer() as rabbitmq, KafkaServer(jvm=_JVM) as kafka:
        servers = Servers(rabbitmq, kafka)
        print(*head(rabbitmq), sep="\n")
        asyncio.run(_round("mix", _WARM_UP_EVENTS, servers, contenders))
        cleared = [_load(kind, options.events, options.rounds, servers, contenders) for kind in options.load]
    return 0 if all(cleared) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="CPU per event, RabbitMQ to Kafka")
    parser.add_argument("--events", type=int, default=200_000, help="in one backlog (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="per load (default: %(default)s)")
    parser.add_argument("--load", choices=KINDS, nargs="+", default=KINDS, help="kinds of backlog (default: all)")
    return parser.parse_args()


def _skipped(contender: Contender) -> bool:
    reason = contender.why_not()
    if reason:
        print(f"without {contender.name}: {reason}")
    return bool(reason)


def _load(kind: Kind, events: int, rounds: int, servers: Servers, contenders: Sequence[Contender]) -> bool:
    results: dict[str, list[Drained]] = {one.name: [] for one in contenders}
    for number in range(rounds):
        order = contenders if number % 2 == 0 else contenders[::-1]
        found = asyncio.run(_round(kind, events, servers, order))
        for name, drained in found.items():
            results[name].append(drained)
            print(f"  {kind} {number + 1}/{rounds} {name}: {drained.cpu_us:.1f} us", file=sys.stderr)
    runs = {one: results[one.name] for one in contenders}
    said, cleared = verdict(kind, runs)
    published = list(messages(kind, events))
    each = sum(len(message.body) for message in published) / events
    print(
        f"\n## {kind}: {events:,} events in {len(published):,} messages, {each:.0f} bytes an event, {rounds} rounds\n"
    )
    print(*table(runs), "", said, sep="\n", flush=True)
    return cleared


async def _round(kind: Kind, events: int, servers: Servers, order: Sequence[Contender]) -> Mapping[str, Drained]:
    declare(servers.rabbitmq, order)
    published = list(messages(kind, events))
    fill(servers.rabbitmq, published)
    expected = {identity(event) for message in published for event in _events_of(message)}
    assert len(expected) == events
    del published
    found = {one.name: await drain(one, servers, expected) for one in order}
    for one in order:
        servers.rabbitmq.delete(one.queue)
    return found


def _events_of(message: Message) -> list[dict[str, object]]:
    body = orjson.loads(message.body)
    return body if isinstance(body, list) else [body]


if __name__ == "__main__":
    sys.exit(main())
