"""The sink that writes to Kafka, at least or exactly once, and in order per key."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Self

from bridge.clients.kafka import (
    DEAD_LETTER_SUFFIX,
    check_topic,
    parse_properties,
    quiet_library_logs,
    true_connect_error,
)
from bridge.clock import Clock, SystemClock
from bridge.errors import ConfigError, SinkError
from bridge.model import Record
from bridge.sinks import DeadLetter, LettersWritten
from bridge.sinks.kafka.at_least_once import AtLeastOnce
from bridge.sinks.kafka.exactly_once import ExactlyOnce
from bridge.sinks.kafka.keeper import Keeper
from bridge.sinks.kafka.lanes import STALL_SECONDS, Lanes
from bridge.sinks.kafka.outage import Outage
from bridge.sinks.kafka.target import Target
from bridge.sinks.kafka.transactions import SENDS
from bridge.sinks.kafka.window import Window
from bridge.telemetry import Status

# In a transaction nothing can be repeated by a new producer, and after 15 s Kafka has given it up anyway.
_TRANSACTION_STALL_SECONDS = 30.0


class KafkaSink:
    """
    Writes records to a topic, and what Kafka refuses for ever to the topic with `.dlq` behind its name.

    Fulfils `bridge.sinks.Sink`. Promises, also over restarts of brokers and of the connection:

    - confirmed is durable: an idempotent producer, `acks=all`;
    - records of one key stay in order, in the partition that Java's producer would choose;
    - a record that was written and not confirmed may be written again, with the same bytes; with a transactional id,
      readers of committed records see it once, and the position of each send is stored with its records, in the topic
      with `.positions` behind its name.

    What is refused for ever becomes a dead letter, but when it is the topic that refuses everything, or the dead letter
    is refused as well: then the status is FAILING and it is tried again, every 30 s.

    One task belongs to it from entering to leaving, and while something waits one per partition (and two more with a
    transactional id). No threads, but for asyncio's own that look host names up.

    Args:
        servers: host:port of 1..n brokers.
        topic: what records without a topic go to.
        dead_letter: makes the dead letter of a record; called once for each that is refused.
        dead_letter_topic: where dead letters go; empty: the topic with `.dlq` behind its name.
        own_dead_letters: whether they go there at all; else `dead_letter` keeps them elsewhere, and returns None.
        letters_written: waits until what it keeps elsewhere is durable; asked before a position is committed.
        properties: Kafka client properties in the spelling of Java or librdkafka; see `clients.kafka.parse_properties`.
        create_topics: create topic and dead letters' topic when they are missing, with `target.PARTITIONS` and
            `target.DEAD_LETTER_PARTITIONS` partitions and the cluster's default replication.
        fail_fast: while connecting, raise instead of waiting.
        transactional_id: write exactly once; whoever else writes with this id is fenced by `resume`.
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
        letters_written: LettersWritten | None = None,
        properties: Mapping[str, str] | None = None,
        create_topics: bool = False,
        fail_fast: bool = False,
        transactional_id: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        problem = check_topic(topic, positioned=transactional_id is not None)
        if problem:
            raise ConfigError(problem)
        parsed = parse_properties(properties or {})
        self._target = Target(
            tuple(servers),
            topic,
            parsed,
            dead_letter_topic or topic + DEAD_LETTER_SUFFIX,
            own_dead_letters,
            create_topics,
            transactional_id,
        )
        self._dead_letter = dead_letter
        self._letters_written = letters_written
        self._fail_fast = fail_fast
        self._clock = clock or SystemClock()
        self._outage = Outage(str(self._target), self._clock)
        self._keeper: Keeper | None = None
        self._window = Window()
        self._writer: AtLeastOnce | ExactlyOnce | None = None

    @property
    def status(self) -> Status:
        """STARTING until Kafka and the topics are there, then OK, or FAILING while it does not confirm."""
        return self._outage.status if self._keeper is not None else Status.STOPPED

    async def __aenter__(self) -> Self:
        """
        Connect and look at the topics. Waits for what is not there, for ever; returns unconnected when it is left
        meanwhile.

        Raises:
            ConnectError, CredentialsError, ConfigError (a topic is missing): only with fail_fast.
        """
        if self._keeper is None:
            quiet_library_logs()
            writer = self._open()
            self._keeper = Keeper(writer.attempt, self._window, self._outage, self._clock, fail_fast=self._fail_fast)
        try:
            await self._keeper.ready()
        except BaseException:
            self._keeper = None
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """
        Close, within 5 s whatever Kafka does. What is not confirmed may or may not be written; waiting for its
        confirmation raises SinkError.
        """
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            await keeper.close()

    async def resume(self) -> bytes | None:
        """
        With a transactional id: fence who wrote with it, wait until its last transaction has ended, and return the
        position that is stored. None: there is none, or Kafka does not know where we were, the source's broker does.

        Raises:
            SinkError: the sink is closed, or the stored position is not understood.
        """
        if self._target.transactional_id is None:
            return None
        return await self._opened().resume()

    async def begin(self, place: str = "") -> int:
        """
        As `Sink.begin`: with a transactional id a transaction of its own, beside the stored position.

        Raises:
            SinkError: the sink is closed, or fenced.
        """
        return await self._opened().begin(place)

    async def rest(self) -> None:
        """As `Sink.rest`, likewise; raises as `begin`."""
        await self._opened().rest()

    async def send(self, records: Sequence[Record], position: bytes | None) -> Awaitable[None]:
        """
        Queue 0..n records, in order; returns when fewer sends than the window holds are under way. What it returns is
        done when they are durable (committed) and all sends before them are. The records are not changed, and not
        copied: nobody may change them. `position` is used with a transactional id only.

        Raises:
            SinkError: from either await: the sink is closed.
            FencedError: from either await: another writer has the transactional id.
        """
        writer = self._opened()
        send = await self._window.open()
        writer.put(send, records, position)
        return send.confirmation

    def _opened(self) -> AtLeastOnce | ExactlyOnce:
        if self._keeper is None or self._writer is None:
            raise SinkError("the Kafka sink is not open")
        return self._writer

    def _open(self) -> AtLeastOnce | ExactlyOnce:
        """A window and a writer that were never used."""
        name = self._target.transactional_id
        if name is None:
            self._window = Window()
            self._writer = AtLeastOnce(self._target, self._window, self._lanes)
        else:
            lanes = partial(self._lanes, stall_seconds=_TRANSACTION_STALL_SECONDS)
            self._window = Window(SENDS)
            self._writer = ExactlyOnce(
                self._target,
                self._window,
                lanes,
                transactional_id=name,
                clock=self._clock,
                letters_written=self._letters_written,
            )
        return self._writer

    def _lanes(
        self,
        window: Window,
        replaced: Callable[[Record, Record | None], None] | None = None,
        *,
        stall_seconds: float = STALL_SECONDS,
    ) -> Lanes:
        properties = self._target.properties
        return Lanes(
            window,
            self._outage,
            topics=(self._target.topic, self._target.dead_letters),
            dead_letter=self._dead_letter,
            diagnose=self._diagnose,
            record_bytes=properties.request_bytes,
            batch_bytes=properties.batch_bytes,
            clock=self._clock,
            stall_seconds=stall_seconds,
            replaced=replaced,
        )

    async def _diagnose(self) -> str:
        return str(await true_connect_error(self._target.servers, self._target.properties))
