"""What `run` leaves behind for a group: queue, stream, and position; looked at, and removed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bridge.clients.queue import QueuePlan, QueueType
from bridge.config import Config, SourceEnd
from bridge.errors import ConfigError
from bridge.service.writer import transactional_id


@dataclass(frozen=True, slots=True)
class Found:
    """Something that can be removed."""

    end: SourceEnd
    words: str
    """What it is, where, and what is lost with it."""
    queue: str = ""
    """Its name on the broker; empty: it is the position in Kafka."""
    stream: bool = False
    consumers: int = 0


def check(config: Config) -> None:
    """
    Whether the sources can have left anything behind.

    Raises:
        ConfigError: of one or more they cannot; a line for each.
    """
    problems = []
    for end in config.sources:
        if end.transport not in ("amqp", "amqps"):
            problems.append(f"--from {end.label}: only on RabbitMQ is anything left behind")
        elif end.queue_type == "transient":
            problems.append(f"--queue-type transient: {end.label} leaves nothing behind, its queue goes by itself")
    if problems:
        raise ConfigError(problems)


async def look(config: Config) -> list[Found]:
    """
    What is there, in the order in which it is to be removed: a position before its stream, so that who writes with it
    ends, instead of making the stream anew.

    Raises:
        ConfigError, ConnectError, CredentialsError, SinkError: a server cannot be reached, or not understood.
    """
    found = []
    for end in config.sources:
        found += await _position(config, end)
        found += await _queues(end)
    return found


async def remove(config: Config, found: Sequence[Found]) -> None:
    """
    Remove these, in their order. What is gone meanwhile is no error.

    Raises:
        ConfigError: somebody reads a queue by now: nothing from there on is removed.
        ConnectError, CredentialsError, SinkError: a server cannot be reached, or does not let us.
    """
    from bridge.sources.amqp.leftovers import Leftovers

    for one in found:
        if not one.queue:
            await _forget_position(config, one.end)
            continue
        async with Leftovers(one.end.broker) as leftovers:
            there = await leftovers.look(one.queue, stream=False)
            if there is not None and there.consumers:
                raise in_use(one.queue, there.consumers)
            await leftovers.remove(one.queue)


def in_use(queue: str, consumers: int) -> ConfigError:
    """Why a queue is not removed: its reader would make it anew, and lose what was sent in between."""
    return ConfigError(
        f"the queue {queue} is in use by {counted(consumers, 'consumer')}: stop the bridge that reads it"
    )


def counted(number: int, noun: str) -> str:
    """As `1 message`, `2 messages`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _plans(end: SourceEnd) -> Iterator[QueuePlan]:
    kinds: tuple[QueueType, ...] = ("quorum", "stream")
    for kind in kinds:
        if end.queue_type in (kind, None):
            yield QueuePlan(kind, end.group, {})


async def _queues(end: SourceEnd) -> list[Found]:
    from bridge.sources.amqp.leftovers import Leftovers

    found = []
    async with Leftovers(end.broker) as leftovers:
        for plan in _plans(end):
            stream = plan.type == "stream"
            there = await leftovers.look(plan.name(), stream=stream)
            if there is not None:
                kept = counted(there.messages, "message")
                lost = (
                    f"at most {kept}, read or not, and every bridge's place in it" if stream else f"{kept} not yet read"
                )
                words = f"{plan.type} queue {there.queue} on {leftovers.shown}: {lost}"
                found.append(Found(end, words, there.queue, stream, there.consumers))
    return found


async def _position(config: Config, end: SourceEnd) -> list[Found]:
    if config.to.kind != "kafka" or end.queue_type not in ("stream", None):
        return []
    from bridge.sinks.kafka import stored_position

    to, name = config.to, transactional_id(end)
    stored = await stored_position(to.servers, to.topic, name, config.kafka_properties)
    if stored is None:
        return []
    where = f"{to.topic}.positions on {','.join(to.servers)}"
    return [Found(end, f"position {name} in {where}: the next start reads the stream from its oldest message")]


async def _forget_position(config: Config, end: SourceEnd) -> None:
    from bridge.sinks.kafka import forget_position

    await forget_position(config.to.servers, config.to.topic, transactional_id(end), config.kafka_properties)
