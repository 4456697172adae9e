"""
`make bench`: what an event costs from a real RabbitMQ or Redis to a real Kafka, ours beside others.

Each round fills a contender's queue with the same backlog and lets it drain, one contender after the other, in turns
first and last. What reads from Redis, which keeps nothing, is fed as fast as it brings events to Kafka. Exits with 1
when a bar is missed.
"""

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Iterator, Sequence

import orjson

from tests.bench.bars import verdicts
from tests.bench.contenders import Contender
from tests.bench.contenders.bento import BENTOS
from tests.bench.contenders.bridge import ASYNCIO, KOMBU, QUORUM, REDIS, REDIS_KOMBU, STREAM
from tests.bench.contenders.script import SCRIPT
from tests.bench.drain import Drained, Load, Servers, drain
from tests.bench.load import KINDS, Kind, Message, identity, messages
from tests.bench.report import head, jobs, table
from tests.servers.kafka import KafkaServer, fetch
from tests.servers.kafka import why_not as kafka_why_not
from tests.servers.process import sweep
from tests.servers.rabbitmq import RabbitServer
from tests.servers.rabbitmq import why_not as rabbitmq_why_not
from tests.servers.redis import RedisServer
from tests.servers.redis import why_not as redis_why_not

CONTENDERS: tuple[Contender, ...] = (QUORUM, ASYNCIO, STREAM, KOMBU, REDIS, REDIS_KOMBU, SCRIPT, *BENTOS)
"""The first of ours that can run is what the others are compared with."""

_WARM_UP_EVENTS = 20_000  # the first run after Kafka's start pays for its JVM's warm-up
# What tests do without to start faster: the compiler that a Kafka in production runs with.
JVM = ["-XX:TieredStopAtLevel=4", "-Xmx1g"]


def main() -> int:
    """Parse, start the servers, measure, print; the exit code."""
    options = _options()
    reason = rabbitmq_why_not() or kafka_why_not()
    if reason:
        print(f"no benchmark here: {reason}", file=sys.stderr)
        return 1
    sweep()
    fetch()
    contenders = [one for one in CONTENDERS if one.key in options.only and not _skipped(one)]
    with servers() as running:
        print(*head(running.rabbitmq, running.redis), "", *jobs(contenders), sep="\n", flush=True)
        able = _warm_up(running, contenders)
        cleared = [_load(kind, options.events, options.rounds, running, able) for kind in options.load]
    return 0 if all(cleared) else 1


def _options() -> argparse.Namespace:
    keys = [one.key for one in CONTENDERS]
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="CPU per event, broker to Kafka")
    parser.add_argument("--events", type=int, default=300_000, help="in one backlog (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="per load (default: %(default)s)")
    parser.add_argument("--load", choices=KINDS, nargs="+", default=KINDS, help="kinds of backlog (default: all)")
    parser.add_argument("--only", choices=keys, nargs="+", default=keys, help="contenders (default: all)")
    return parser.parse_args()


def _skipped(contender: Contender) -> bool:
    reason = contender.why_not()
    if not reason and contender.broker == "redis":
        reason = redis_why_not()
    if reason:
        print(f"without {contender.name}: {reason}")
    return bool(reason)


@contextlib.contextmanager
def servers() -> Iterator[Servers]:
    """RabbitMQ with its stream protocol, Kafka, and Redis where there is one."""
    with contextlib.ExitStack() as stack:
        rabbitmq = stack.enter_context(RabbitServer())
        kafka = stack.enter_context(KafkaServer(jvm=JVM))
        redis = None if redis_why_not() else stack.enter_context(RedisServer())
        yield Servers(kafka, rabbitmq, redis)


def _warm_up(running: Servers, contenders: Sequence[Contender]) -> list[Contender]:
    """A short run of each; those that came to its end."""
    load = _made("mix", _WARM_UP_EVENTS)
    able = []
    for one in contenders:
        if _drained(one, running, load) is None:
            print(f"without {one.name}: it cannot run here")
        else:
            able.append(one)
    return able


def _drained(contender: Contender, running: Servers, load: Load) -> Drained | None:
    """One run; None when the contender ended before it was done, which is said."""
    try:
        return asyncio.run(drain(contender, running, load))
    except (RuntimeError, TimeoutError) as error:
        print(f"  {contender.name}: {error or type(error).__name__}", file=sys.stderr)
        return None


def _load(kind: Kind, events: int, rounds: int, running: Servers, contenders: Sequence[Contender]) -> bool:
    load = _made(kind, events)
    results: dict[Contender, list[Drained]] = {one: [] for one in contenders}
    ended: set[Contender] = set()
    for number in range(rounds):
        for one in contenders if number % 2 == 0 else contenders[::-1]:
            drained = None if one in ended else _drained(one, running, load)
            if drained is None:
                ended.add(one)
                continue
            results[one].append(drained)
            said = f"{drained.cpu_us:.1f} us, {drained.per_second:,.0f} events/s"
            print(f"  {kind} {number + 1}/{rounds} {one.name}: {said}", file=sys.stderr)
    each = sum(len(message.body) for message in load.messages) / events
    size = f"{events:,} events in {len(load.messages):,} messages, {each:.0f} bytes an event"
    runs = {one: [] if one in ended else found for one, found in results.items()}
    judged = list(verdicts(kind, {one.key: found for one, found in runs.items()}))
    print(f"\n## {kind}: {size}, {rounds} round{'s' if rounds > 1 else ''}\n")
    print(*table(runs), "", *(said for said, _ in judged), sep="\n", flush=True)
    return all(cleared for _, cleared in judged)


def _made(kind: Kind, events: int) -> Load:
    published = list(messages(kind, events))
    expected = {identity(event) for message in published for event in _events_of(message)}
    assert len(expected) == events
    return Load(published, expected)


def _events_of(message: Message) -> list[dict[str, object]]:
    body = orjson.loads(message.body)
    return body if isinstance(body, list) else [body]


if __name__ == "__main__":
    sys.exit(main())
