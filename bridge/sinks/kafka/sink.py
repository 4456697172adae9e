"""The sink that writes to Kafka, at least once and in order per key."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from types import TracebackType
from typing import Self

import structlog

from bridge.clients.backoff import Backoff
from bridge.clients.kafka import (
    DEAD_LETTER_SUFFIX,
    Topics,
    check_topic,
    parse_properties,
    quiet_library_logs,
    true_connect_error,
)
from bridge.clock import Clock, SystemClock
from bridge.errors import BridgeError, ConfigError, SinkError
from bridge.model import Record
from bridge.sinks import DeadLetter
from bridge.sinks.kafka.lanes import Lanes
from bridge.sinks.kafka.outage import Outage
from bridge.sinks.kafka.producer import Producer, connect
from bridge.sinks.kafka.refusal import Refusal, judge
from bridge.sinks.kafka.window import Window
from bridge.telemetry import Status

# With `create_topics`. Six readers can share them, and two, three or six evenly; a number that is changed later moves
# keys to other partitions. Dead letters are few, and read from one partition in the order they came.
PARTITIONS = 6
DEAD_LETTER_PARTITIONS = 1

# Giving a producer up takes 4 at most.
_CLOSE_SECONDS = 5.0

log = structlog.get_logger()


class KafkaSink:
    """
    Writes records to a topic, and what Kafka refuses for ever to the topic with `.dlq` behind its name.

    Fulfils `bridge.sinks.Sink`. Promises, also over restarts of brokers and of the connection:

    - confirmed is durable: an idempotent producer, `acks=all`;
    - records of one key stay in order, in the partition that Java's producer would choose;
    - a record that was written and not confirmed may be written again, with the same bytes.

    One task belongs to it from entering to leaving, and one per partition while something waits there. No threads, but
    for asyncio's own that look host names up.

    Args:
        servers: host:port of 1..n brokers.
        topic: what records without a topic go to.
        dead_letter: makes the dead letter of a record; called once for each that is refused.
        dead_letter_topic: where dead letters go; empty: the topic with `.dlq` behind its name.
        own_dead_letters: whether they go there at all; else `dead_letter` keeps them elsewhere, and returns None.
        properties: Kafka client properties in the spelling of Java or librdkafka; see `clients.kafka.parse_properties`.
        create_topics: create both topics when they are missing, with PARTITIONS and DEAD_LETTER_PARTITIONS partitions
            and the cluster's default replication.
        fail_fast: while connecting, raise instead of waiting.
        clock: what CreateTime, backoff and log intervals go by. Deadlines of the network go by the machine's.

    Raises:
        ConfigError: properties or topic are wrong; every problem.
    """

    def __init__(
        self,
        servers: Sequence[str],
        topic: str,
        *,
        dead_letter: DeadLetter,
        dead_letter_topic: str = "",
        own_dead_letters: bool = True,
        properties: Mapping[str, str] | None = None,
        create_topics: bool = False,
        fail_fast: bool = False,
        clock: Clock | None = None,
    ) -> None:
        problem = check_topic(topic)
        if problem:
            raise ConfigError(problem)
        self._servers = tuple(servers)
        self._properties = parse_properties(properties or {})
        letters = dead_letter_topic or topic + DEAD_LETTER_SUFFIX
        self._topics = topic, letters
        self._wanted = {topic: PARTITIONS} | ({letters: DEAD_LETTER_PARTITIONS} if own_dead_letters else {})
        self._dead_letter = dead_letter
        self._create_topics = create_topics
        self._fail_fast = fail_fast
        self._clock = clock or SystemClock()
        self._backoff = Backoff(self._clock)
        self._outage = Outage(f"{','.join(self._servers)}/{topic}", self._clock)
        self._keeper: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[None] | None = None
        self._window = Window()
        self._lanes = self._new_lanes()

    @property
    def status(self) -> Status:
        """STARTING until Kafka and the topics are there, then OK, or FAILING while it does not confirm."""
        return self._outage.status if self._keeper is not None else Status.STOPPED

    async def __aenter__(self) -> Self:
        """
        Connect and look at both topics. Waits for what is not there, for ever; returns unconnected when it is left
        meanwhile.

        Raises:
            ConnectError, CredentialsError, ConfigError (a topic is missing): only with fail_fast.
        """
        if self._keeper is None:
            quiet_library_logs()
            self._window = Window()
            self._lanes = self._new_lanes()
            self._ready = asyncio.get_running_loop().create_future()
            self._keeper = asyncio.create_task(self._keep(self._ready), name="kafka sink")
        assert self._ready is not None  # noqa: S101 - made with the keeper
        try:
            await asyncio.shield(self._ready)
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """
        Close, within 5 s whatever Kafka does. What is not confirmed may or may not be written; waiting for its
        confirmation raises SinkError.
        """
        await self._close()

    async def resume(self) -> bytes | None:
        """None: Kafka does not know where we were, the source's broker does."""
        return None

    async def send(
        self,
        records: Sequence[Record],
        position: bytes | None,  # noqa: ARG002 - the contract's; the source's broker remembers
    ) -> Awaitable[None]:
        """
        Queue 0..n records, in order; returns when fewer than `window.SENDS` sends are under way. What it returns is
        done when they are durable and all sends before them are. The records are not changed, and not copied: nobody
        may change them. `position` is not used.

        Raises:
            SinkError: from either await: the sink is closed, or Kafka refuses even a dead letter.
        """
        if self._keeper is None:
            raise SinkError("the Kafka sink is not open")
        send = await self._window.open()
        self._lanes.put(send, records)
        self._window.settle()
        return send.confirmation

    def _new_lanes(self) -> Lanes:
        return Lanes(
            self._window,
            self._outage,
            topics=self._topics,
            dead_letter=self._dead_letter,
            diagnose=self._diagnose,
            record_bytes=self._properties.request_bytes,
            batch_bytes=self._properties.batch_bytes,
            clock=self._clock,
        )

    async def _keep(self, ready: "asyncio.Future[None]") -> None:
        """Keep a producer for the lanes: connect, let them use it until it breaks, begin again."""
        try:
            while True:
                producer, topics = await self._connect(ready)
                try:
                    error = await self._use(producer, topics, ready)
                finally:
                    await producer.give_up()
                await self._pause(error)
        except BridgeError as error:
            self._fail(ready, error)
        except Exception as error:
            log.exception("kafka sink failed unexpectedly")
            self._fail(ready, SinkError(f"the Kafka sink failed: {type(error).__name__}"))

    async def _use(self, producer: Producer, topics: Topics, ready: "asyncio.Future[None]") -> BaseException:
        """Returns why the producer is of no more use."""
        if not len(self._window):
            self._outage.up()
            self._backoff.reset()
        if not ready.done():
            ready.set_result(None)
        confirmed = self._lanes.confirmed
        error = await self._lanes.run(producer, topics.partitions, topics.limits)
        if self._lanes.confirmed > confirmed:
            self._backoff.reset()
        return error

    async def _connect(self, ready: "asyncio.Future[None]") -> tuple[Producer, Topics]:
        while True:
            try:
                return await connect(
                    self._servers,
                    self._properties,
                    self._wanted,
                    create=self._create_topics,
                    batch_bytes=self._lanes.batch_bytes,
                )
            except BridgeError as error:
                if self._fail_fast and not ready.done():
                    raise
                self._outage.down(str(error), unconfirmed=len(self._window))
            await self._backoff.wait()

    async def _pause(self, error: BaseException) -> None:
        """Between two producers: none after a refusal that is understood, for the next one behaves differently."""
        if judge(error) in {Refusal.TOO_LARGE, Refusal.RECORD}:
            return
        self._outage.down(f"{type(error).__name__} {error}".strip(), unconfirmed=len(self._window))
        await self._backoff.wait()

    async def _diagnose(self) -> str:
        return str(await true_connect_error(self._servers, self._properties))

    def _fail(self, ready: "asyncio.Future[None]", error: BridgeError) -> None:
        self._window.fail(str(error))
        if not ready.done():
            ready.set_exception(error)

    async def _close(self) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.wait({keeper}, timeout=_CLOSE_SECONDS)
        self._window.fail("the Kafka sink was closed before Kafka confirmed")
        if self._ready is not None and not self._ready.done():
            self._ready.set_result(None)
