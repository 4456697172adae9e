"""Writes records and the source's position in Kafka transactions: each record exactly once, for committed readers."""

import asyncio
from collections.abc import Callable, Sequence

import structlog
from aiokafka.errors import InvalidProducerEpoch, ProducerFenced

from bridge.clients.kafka import Topics
from bridge.clock import Clock
from bridge.errors import SinkError
from bridge.model import Record
from bridge.sinks import LettersWritten
from bridge.sinks.kafka.look import look
from bridge.sinks.kafka.positions import SETTINGS, Begun, PositionReader
from bridge.sinks.kafka.producer import start
from bridge.sinks.kafka.target import Target
from bridge.sinks.kafka.transactions import MakeLanes, Transactions
from bridge.sinks.kafka.window import Send, Window

# Who fences us writes its first position within a second. Then it is seen there, and not fenced in return. Nobody is
# waited for where the coordinator says that nobody has: brokers may answer a batch so for reasons of their own.
_FENCED_SECONDS = 2.0

_NOT_ASKED = "the Kafka sink was not asked where to resume"

log = structlog.get_logger()


class ExactlyOnce:
    """
    Kafka Connect's way (KIP-618): what was written, and how far the source was read for it, are in one transaction. A
    writer that starts fences the one before it by the transactional id that they share, and goes on at the position
    that is committed then. A connection that breaks is made anew in the same way, so the outcome of the transaction
    under way becomes known: it is written again, as the same bytes, only if it was not committed.

    Args:
        target: with a transactional id.
        window: of the sends; one is confirmed when its transaction is committed.
        make_lanes, letters_written: see `Transactions`.
    """

    def __init__(
        self,
        target: Target,
        window: Window,
        make_lanes: MakeLanes,
        *,
        transactional_id: str,
        clock: Clock,
        letters_written: LettersWritten | None = None,
    ) -> None:
        self._target = target
        self._window = window
        self._transactional_id = transactional_id
        self._clock = clock
        self._asked = asyncio.Event()
        self._transactions = Transactions(
            window,
            make_lanes,
            transactional_id=transactional_id,
            topic=target.positions,
            clock=clock,
            letters_written=letters_written,
        )

    async def resume(self) -> bytes | None:
        """
        Take our place: fence who had it, and return the position that is committed; None: there is none.

        Raises:
            SinkError: the sink failed or was closed meanwhile, or what is stored is not understood.
        """
        if not self._asked.is_set():
            self._asked.set()
            send = await self._window.open()
            self._transactions.put(send, [], None)
            await send.confirmation
            log.info("kafka writer took its place", transactional_id=self._transactional_id)
        return self._transactions.position

    async def begin(self, place: str = "") -> int:
        """As `Sink.begin`; raises as `put`."""
        if not self._transactions.committed:
            raise SinkError(_NOT_ASKED)
        begun = self._transactions.begun
        await self._note(Begun(1, place))
        return begun.times if begun.place == place else 0

    async def rest(self) -> None:
        """As `Sink.rest`."""
        await self._note(Begun(-1, self._transactions.begun.place))

    async def _note(self, begin: Begun) -> None:
        send = await self._window.open()
        self._transactions.put(send, [], None, begun=begin)
        await send.confirmation

    def put(self, send: Send, records: Sequence[Record], position: bytes | None) -> None:
        """
        Queue a send for the next transaction.

        Raises:
            SinkError: before `resume`: where the source has to go on was not asked.
        """
        if not self._transactions.committed:
            raise SinkError(_NOT_ASKED)
        self._transactions.put(send, records, position)

    async def attempt(self, up: Callable[[], None]) -> tuple[BaseException, bool]:
        """
        Look at the topics, say `up`, and once `resume` was asked for, fence and write.

        Returns:
            Why it could not go on, and whether anything was committed, or learnt of what is refused for ever.

        Raises:
            ConnectError, CredentialsError, ConfigError: no connection, or a topic is missing.
            FencedError: another writer has taken our place.
            SinkError: it can never go on.
        """
        target, transactions = self._target, self._transactions
        own = {target.positions: SETTINGS}
        topics = await look(target.servers, target.properties, target.wanted, create=target.create_topics, own=own)
        up()
        await self._asked.wait()
        async with self._reader(topics) as reader:
            if transactions.committed:
                transactions.check(await reader.read())
            producer = await start(
                target.servers,
                target.properties,
                topics,
                batch_bytes=transactions.lanes.batch_bytes,
                transactional_id=self._transactional_id,
            )
            before = self._learnt()
            try:
                transactions.resolve(await reader.read())
                await reader.close()
                error = await transactions.run(producer, topics.partitions, topics.limits)
                fenced = isinstance(error, ProducerFenced | InvalidProducerEpoch) and not await producer.abort()
            finally:
                await producer.give_up()
        if fenced:
            await self._clock.sleep(_FENCED_SECONDS)
        return error, self._learnt() > before

    def _learnt(self) -> int:
        """Grows with each commit, and with all that makes the next attempt one at something else."""
        return self._transactions.committed + self._transactions.lanes.learnt

    def _reader(self, topics: Topics) -> PositionReader:
        target = self._target
        count = topics.partitions[target.positions]
        return PositionReader(target.servers, target.properties, target.positions, count, self._transactional_id)
