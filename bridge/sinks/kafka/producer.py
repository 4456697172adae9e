"""aiokafka's producer: connected once the topics are there, and given up within a bounded time."""

import asyncio
import contextlib
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from aiokafka import AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import ClusterAuthorizationFailedError, KafkaError

from bridge.clients.kafka import Properties, Topics, close_client, create_topics, look_up_topics, true_connect_error
from bridge.errors import ConfigError, CredentialsError

# A producer's start has no end of its own where InitProducerId is refused for now (aiokafka 0.14, sender.py); a broker
# that comes up answers it within one or two.
CONNECT_SECONDS = 10.0
# Topics are made by the controller and known to the brokers a moment later.
_CREATED_SECONDS = 5.0
_CREATED_POLL_SECONDS = 0.1

T = TypeVar("T")


class Producer:
    """An idempotent producer that writes to all in-sync replicas, and can be given up."""

    def __init__(self, servers: Sequence[str], properties: Properties, batch_bytes: int) -> None:
        self._aiokafka = AIOKafkaProducer(
            bootstrap_servers=list(servers),
            acks="all",
            enable_idempotence=True,
            compression_type=properties.compression,
            max_batch_size=batch_bytes,
            max_request_size=properties.request_bytes,
            linger_ms=properties.linger_ms,
            **properties.client,
        )
        self._requests: set[asyncio.Task[Any]] = set()
        self._follow_requests()

    async def start(self, topics: Sequence[str]) -> None:
        """
        Connect, get a producer id, learn the partitions of `topics`; they exist.

        Raises:
            KafkaError: it cannot.
            TimeoutError: not within CONNECT_SECONDS.
        """
        async with asyncio.timeout(CONNECT_SECONDS):
            await self._aiokafka.start()
            await self._aiokafka.client.set_topics(topics)

    def batch(self) -> Any:
        """An empty BatchBuilder of aiokafka."""
        return self._aiokafka.create_batch()

    async def send(self, batch: Any, topic: str, partition: int) -> None:
        """
        Send a batch and wait until it is durable, however long that takes.

        Raises:
            KafkaError and others: it failed; see `refusal.judge`.
        """
        batch.close()
        written = await self._aiokafka.send_batch(batch, topic, partition=partition)
        await written

    def partitions(self, topic: str) -> int | None:
        """How many there are by the metadata, refreshed every `metadata.max.age.ms`; None: the topic is gone."""
        known = self._aiokafka.client.cluster.partitions_for_topic(topic)
        return len(known) if known else None

    def tasks(self) -> set[asyncio.Task[Any]]:
        """aiokafka's tasks that must not end: without the one nothing is sent, without the other nothing is found."""
        return {self._aiokafka._sender.sender_task, self._aiokafka.client._sync_task} - {None}

    async def give_up(self) -> None:
        """
        Close it, within 4 s whatever its brokers do, also when it is cancelled: a connection would stay open. What was
        not confirmed may or may not have been written.
        """
        closing = asyncio.ensure_future(self._close())
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError:
            await closing
            raise

    async def _close(self) -> None:
        """
        `AIOKafkaProducer.stop` first flushes, which never ends while a broker is down, and when it is cancelled the
        sender goes on and delivers later (aiokafka 0.14, measured): so its tasks are ended here.
        """
        # Said to be closed: what it holds is sent again by the next one, and its __del__ must not warn.
        self._aiokafka._closed = True
        sender = self._aiokafka._sender.sender_task
        ending = {task for task in (sender, *self._requests) if task is not None}
        for task in ending:
            task.cancel()
        if ending:
            await asyncio.wait(ending, timeout=1.0)
        await close_client(self._aiokafka.client)
        for task in ending:
            if task.done() and not task.cancelled():
                task.exception()  # noted: else asyncio logs that nobody looked at it

    def _follow_requests(self) -> None:
        """Know the tasks of produce requests: aiokafka keeps them in a local variable of its sender."""
        sender = self._aiokafka._sender
        send: Any = sender._send_produce_req

        async def followed(*arguments: Any) -> None:
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 - a coroutine runs in one
            self._requests.add(task)
            try:
                await send(*arguments)
            finally:
                self._requests.discard(task)

        sender._send_produce_req = followed


async def connect(
    servers: Sequence[str],
    properties: Properties,
    wanted: Mapping[str, int],
    *,
    create: bool,
    batch_bytes: int,
) -> tuple[Producer, Topics]:
    """
    Look at the topics, and start a producer.

    Args:
        wanted: the topics, and with how many partitions to create those that are missing.
        create: whether to create them.
        batch_bytes: how large a batch may become at most; less where a topic takes less.

    Raises:
        ConnectError, CredentialsError: the cluster cannot be reached, or not by us; says why.
        ConfigError: a topic is missing, or cannot be created.
    """
    topics = await _explained(_topics(servers, properties, wanted, create=create), servers, properties)
    if topics.denied:
        names = ", ".join(topics.denied)
        raise CredentialsError(f"our user may not see the Kafka topics {names} (they need Describe and Write)")
    if topics.missing:
        names = ", ".join(topics.missing)
        raise ConfigError(f"these Kafka topics are missing: {names} (create them, or use --create-topics)")
    producer = Producer(servers, properties, min([batch_bytes, *topics.limits.values()]))
    try:
        await _explained(producer.start(list(wanted)), servers, properties)
    except BaseException:
        await producer.give_up()
        raise
    return producer, topics


async def _topics(servers: Sequence[str], properties: Properties, wanted: Mapping[str, int], *, create: bool) -> Topics:
    client = AIOKafkaClient(bootstrap_servers=list(servers), **properties.client)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await client.bootstrap()
            topics = await look_up_topics(client, list(wanted))
            if topics.missing and create:
                await create_topics(client, {name: wanted[name] for name in topics.missing})
                topics = await _created(client, list(wanted))
            return topics
    finally:
        await close_client(client)


async def _created(client: AIOKafkaClient, names: Sequence[str]) -> Topics:
    """Topics that were just made, once they can be seen; or what can be seen of them when that takes too long."""
    topics = await look_up_topics(client, names)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_CREATED_SECONDS):
            while topics.missing:
                await asyncio.sleep(_CREATED_POLL_SECONDS)
                topics = await look_up_topics(client, names)
    return topics


async def _explained(attempt: Coroutine[Any, Any, T], servers: Sequence[str], properties: Properties) -> T:
    """The attempt's result, or the true reason of its failure."""
    try:
        return await attempt
    except ClusterAuthorizationFailedError as error:
        hint = "before Kafka 3.0 a producer needs IdempotentWrite on the cluster"
        raise CredentialsError(f"Kafka does not let our user write ({hint})") from error
    except (KafkaError, OSError, TimeoutError) as error:
        raise await true_connect_error(servers, properties, error) from error
