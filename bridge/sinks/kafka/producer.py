"""aiokafka's producer: connected once the topics are there, and given up within a bounded time."""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition

from bridge.clients.kafka import Properties, Topics, close_client, named_brokers
from bridge.sinks.kafka.batch import Batch
from bridge.sinks.kafka.look import CONNECT_SECONDS, explained, look

# Longer than a request is tried again after a lost connection, shorter than readers of committed records like to wait
# for a writer that is gone: they see nothing past an open transaction.
_TRANSACTION_MS = 15_000
# While the transaction of whoever is fenced ends, which takes some 10 ms, Kafka answers that it is not yet over, and
# aiokafka would ask again after 100.
_FENCE_POLL_SECONDS = 0.02
# A round trip, or some where the fence of another is just being written.
_ABORT_SECONDS = 2.0


class Producer:
    """
    An idempotent producer that writes to all in-sync replicas, and can be given up.

    Args:
        batch_bytes: how large a batch may become before compression.
        transactional_id: it writes in transactions only, and its start fences whoever wrote with this id before.
    """

    def __init__(
        self, servers: Sequence[str], properties: Properties, batch_bytes: int, transactional_id: str | None = None
    ) -> None:
        self._aiokafka = AIOKafkaProducer(
            bootstrap_servers=list(servers),
            acks="all",
            enable_idempotence=True,
            max_request_size=properties.request_bytes,
            linger_ms=properties.linger_ms,
            transactional_id=transactional_id,
            transaction_timeout_ms=_TRANSACTION_MS,
            **properties.client,
        )
        self._servers = tuple(servers)
        self._properties = properties
        self._batch_bytes = batch_bytes
        self._transactional = transactional_id is not None
        self._requests: set[asyncio.Task[Any]] = set()
        self._follow_requests()

    async def start(self, topics: Sequence[str]) -> None:
        """
        Connect, get a producer id, learn the partitions of `topics`; they exist. With a transactional id, whoever had
        it is fenced from then on, and its open transaction has ended: Kafka answers once that is in all its partitions.

        Raises:
            KafkaError: it cannot.
            TimeoutError: not within CONNECT_SECONDS.
        """
        sender = self._aiokafka._sender
        backoff, sender._retry_backoff = sender._retry_backoff, _FENCE_POLL_SECONDS
        async with asyncio.timeout(CONNECT_SECONDS):
            await self._aiokafka.start()
            sender._retry_backoff = backoff
            await self._aiokafka.client.set_topics(topics)

    def batch(self) -> Batch:
        """An empty one, to be sent over this producer."""
        return Batch(self._batch_bytes, self._properties.compression, transactional=self._transactional)

    async def send(self, batch: Batch, topic: str, partition: int) -> None:
        """
        Send a batch and wait until it is durable, however long that takes. One at a time to a partition.

        Raises:
            KafkaError and others: it failed; see `refusal.judge`.
        """
        batch.close()
        numbers, place = self._aiokafka._txn_manager._sequence_numbers, TopicPartition(topic, partition)
        first = numbers[place]
        try:
            written = await self._aiokafka.send_batch(batch, topic, partition=partition)
            await written
        except Exception:
            # aiokafka 0.14 has used them up, and the broker, which saw none, would call all that follows out of order.
            numbers[place] = first
            raise

    async def begin(self) -> None:
        """
        Begin a transaction: what is sent from now on belongs to it.

        Raises:
            KafkaError, AssertionError: the producer is of no more use.
        """
        await self._aiokafka.begin_transaction()

    async def commit(self) -> None:
        """
        End the transaction, all of which was sent; waits until it is durable, however long that takes.

        Raises:
            KafkaError and others: it may have been committed or not, and the producer is of no more use.
        """
        await self._aiokafka.commit_transaction()

    async def abort(self) -> bool:
        """
        Give up the transaction, some of which was sent. Returns whether the coordinator let us, within 2 s: if so,
        nobody has fenced us. The producer is of no more use.
        """
        try:
            async with asyncio.timeout(_ABORT_SECONDS):
                await self._aiokafka.abort_transaction()
        except Exception:  # noqa: BLE001 - aiokafka also raises AssertionError where its state does not let it
            return False
        return True

    def partitions(self, topic: str) -> int | None:
        """How many there are by the metadata, refreshed every `metadata.max.age.ms`; None: the topic is gone."""
        known = self._aiokafka.client.cluster.partitions_for_topic(topic)
        return len(known) if known else None

    async def moved(self) -> bool:
        """
        Whether the cluster answers, and names none of the brokers that this producer knows: aiokafka 0.14 asks only
        those, so it would wait for ever. Asks the servers, which may take some seconds.
        """
        known = {(broker.host, broker.port) for broker in self._aiokafka.client.cluster.brokers()}
        named = await named_brokers(self._servers, self._properties)
        return bool(known and named) and known.isdisjoint(named)

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
        transactions = self._aiokafka._txn_manager
        ended = None if transactions is None else transactions.wait_for_transaction_end()
        accumulator = self._aiokafka._message_accumulator
        batches = [*chain.from_iterable(accumulator._batches.values()), *accumulator._pending_batches]
        for future in (*ending, ended, *(batch._drain_waiter for batch in batches)):
            if future is not None and future.done() and not future.cancelled():
                future.exception()  # noted: else asyncio logs that nobody looked at it

    def _follow_requests(self) -> None:
        """Know the tasks of requests: aiokafka keeps them in a local variable of its sender."""
        sender = self._aiokafka._sender
        send: Any = sender._send_produce_req
        ask: Any = sender._maybe_do_transactional_request

        async def followed(*arguments: Any) -> None:
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 - a coroutine runs in one
            self._requests.add(task)
            try:
                await send(*arguments)
            finally:
                self._requests.discard(task)

        def asked() -> asyncio.Task[Any] | None:
            task: asyncio.Task[Any] | None = ask()
            if task is not None:
                self._requests.add(task)
                task.add_done_callback(self._requests.discard)
            return task

        sender._send_produce_req = followed
        sender._maybe_do_transactional_request = asked


async def connect(
    servers: Sequence[str],
    properties: Properties,
    wanted: Mapping[str, int],
    *,
    create: bool,
    batch_bytes: int,
) -> tuple[Producer, Topics]:
    """
    Look at the topics, and start a producer that needs no transactions. Arguments and errors: as of `look` and `start`.
    """
    topics = await look(servers, properties, wanted, create=create)
    return await start(servers, properties, topics, batch_bytes=batch_bytes), topics


async def start(
    servers: Sequence[str],
    properties: Properties,
    topics: Topics,
    *,
    batch_bytes: int,
    transactional_id: str | None = None,
) -> Producer:
    """
    Start a producer for these topics.

    Args:
        batch_bytes: how large a batch may become at most; less where a topic takes less.

    Raises:
        ConnectError, CredentialsError: the cluster cannot be reached, or not by us; says why.
    """
    largest = min([batch_bytes, *topics.limits.values()])
    producer = Producer(servers, properties, largest, transactional_id)
    try:
        await explained(producer.start(list(topics.partitions)), servers, properties)
    except BaseException:
        await producer.give_up()
        raise
    return producer
