"""Whose turn it is to read a stream: one replica of a group reads, the others wait."""

import asyncio
from collections.abc import Callable, Sequence
from random import SystemRandom

import structlog
from pamqp import commands
from pamqp import exceptions as refusals

from bridge.clients.backoff import Backoff
from bridge.clients.outage import brief
from bridge.clock import Clock
from bridge.errors import BridgeError, ConfigError, CredentialsError, SourceError, TurnLostError
from bridge.sources.amqp.address import Address
from bridge.sources.amqp.channel import Channel
from bridge.sources.amqp.connection import Connection
from bridge.sources.amqp.declarations import needing
from bridge.sources.amqp.handshake import connect
from bridge.sources.amqp.refusal import BROKEN, while_connecting

_LOOK_SECONDS = 1.0
"""Between two looks whether the other one is gone, at most, and half of it at least: replicas do not look together."""

_LOOKS = 60
"""After so many the lock is tried whatever the flag says: a broker that crashed may have forgotten to take it down."""

_uniform = SystemRandom().uniform
_log = structlog.get_logger()


class Turn:
    """
    Takes the turn, holds it as long as its connection lives, and takes it again when that is lost.

    The lock is an exclusive queue: RabbitMQ lets one connection have it, in a whole cluster, refuses it to the others
    (405 RESOURCE_LOCKED), and removes it with that connection, at once when the process is killed, after two
    heartbeats when the network is gone. A refusal closes a channel and is an error in the broker's log, so those who
    wait look for something else: a flag, an exchange of the same name that goes by itself with the queue bound to it.

    Belongs to one event loop; one task of its own. Its connection is used for nothing else.

    Args:
        addresses: of the broker, tried in turn.
        lock: the name of queue and flag.
        fail_fast: a broker that does not let us lock ends it, before the first turn.
        clock: times looks and heartbeats.
        changed: called when anything below changed.
    """

    def __init__(
        self,
        addresses: Sequence[Address],
        lock: str,
        *,
        fail_fast: bool,
        clock: Clock,
        changed: Callable[[], None],
    ) -> None:
        self._addresses = addresses
        self._lock = lock
        self._fail_fast = fail_fast
        self._clock = clock
        self._changed = changed
        self._backoff = Backoff(clock)
        self._task: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._looking: Channel | None = None
        self._attempts = self._looks = 0
        self._had = self._waiting = False
        self.waited = False
        """Whether another one was seen to have it before us."""
        self._told = ""
        self.held = False
        """Whether it is ours now."""
        self.failure: BridgeError | None = None
        """Why it will not be ours again: a `TurnLostError` when another replica has taken it."""

    def begin(self) -> None:
        """Take it as soon as it is free. Safe twice."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"turn {self._lock}")

    async def release(self) -> None:
        """Leave it to the next one, within 3 s. Safe twice."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self.held = False
        await self._disconnect()

    async def _run(self) -> None:
        """Never raises but when cancelled: see `failure`."""
        try:
            while True:
                lost = await self._take()
                self._tell_taken()
                self._backoff.reset()
                self.held = self._had = True
                self._changed()
                error = await lost
                self.held = False
                _log.warning("turn lost, taking it again", lock=self._lock, reason=brief(error))
                await self._disconnect()
        except BridgeError as refused:
            self.failure = refused
        except Exception as bug:  # noqa: BLE001 - a task that dies silently would leave the chain waiting for ever
            _log.exception("turn failed", lock=self._lock)
            self.failure = SourceError(f"{self._lock}: {type(bug).__name__}: {brief(bug)}")
            self.failure.__cause__ = bug
        finally:
            self.held = False
            self._changed()

    async def _take(self) -> asyncio.Future[Exception]:
        """Wait until it is ours. What it returns is done when it is lost, and says why."""
        while True:
            address = self._addresses[self._attempts % len(self._addresses)]
            try:
                lost = await self._attempt(address)
            except Exception as error:
                await self._disconnect()
                self._attempts += 1
                refusal = while_connecting(error, address.shown)
                if not isinstance(error, (BridgeError, *BROKEN)):
                    raise
                if self._is_final(refusal):
                    raise refusal from error
                self._tell_trouble(refusal)
                await self._backoff.wait()
                continue
            if lost is not None:
                return lost
            if self._had:
                raise TurnLostError("another replica has taken the turn to read the stream")
            self._tell_waiting(address)
            await self._clock.sleep(_uniform(_LOOK_SECONDS / 2, _LOOK_SECONDS))

    async def _attempt(self, address: Address) -> asyncio.Future[Exception] | None:
        """As `_take`; None while another one has it. Raises anything that a connection does."""
        connection = self._connection
        if connection is None:
            connection = self._connection = await connect(
                address, f"celery-event-bridge {self._lock}", clock=self._clock
            )
        self._looks += 1
        if self._looks % _LOOKS and await self._flagged(connection):
            return None
        channel = await connection.open_channel()
        if not await self._locked(channel, address.shown):
            return None
        lost: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()

        def end(error: Exception) -> None:
            if not lost.done():  # nobody waits any more when the turn is released
                lost.set_result(error)

        channel.on_end = end  # also when somebody deletes the queue: it is consumed
        if channel.error is not None:
            end(channel.error)
        return lost

    async def _flagged(self, connection: Connection) -> bool:
        """Whether another one shows that it has it; needs no right, and one channel for as long as it does."""
        if self._looking is None:
            self._looking = await connection.open_channel()
        flag = commands.Exchange.Declare(exchange=self._lock, passive=True)
        try:
            await self._looking.call(flag, commands.Exchange.DeclareOk)
        except refusals.AMQPNotFound:
            self._looking = None  # closed by that
            return False
        return True

    async def _locked(self, channel: Channel, shown: str) -> bool:
        """Whether it is ours now; then the flag is up too."""
        name = self._lock
        with needing(f"configure, read and write the queue {name}", shown, name):
            lock = commands.Queue.Declare(queue=name, exclusive=True, arguments={"x-queue-type": "classic"})
            try:
                await channel.call(lock, commands.Queue.DeclareOk)
            except refusals.AMQPResourceLocked:
                return False
            await channel.consume(name, 1)
        with needing(f"configure and read the exchange {name}", shown, name):
            flag = commands.Exchange.Declare(exchange=name, exchange_type="fanout", auto_delete=True)
            await channel.call(flag, commands.Exchange.DeclareOk)
            await channel.call(commands.Queue.Bind(0, name, name, ""), commands.Queue.BindOk)
        return True

    async def _disconnect(self) -> None:
        connection, self._connection, self._looking = self._connection, None, None
        if connection is not None:
            await connection.close()

    def _is_final(self, refusal: BridgeError) -> bool:
        """Whether waiting cannot help, or is not wanted before the first turn."""
        return isinstance(refusal, ConfigError) or (self._fail_fast and not self._had)

    # What is said: each trouble once, until there is another.

    def _tell_waiting(self, address: Address) -> None:
        if not self._waiting:
            self._waiting = self.waited = True
            self._told = ""
            _log.info("waiting for the active replica", broker=address.shown, lock=self._lock)

    def _tell_trouble(self, refusal: BridgeError) -> None:
        if self._told != str(refusal):
            self._told = str(refusal)
            level = _log.warning if isinstance(refusal, CredentialsError) or self._had else _log.info
            level("turn cannot be taken, trying again", lock=self._lock, reason=str(refusal))

    def _tell_taken(self) -> None:
        if self._waiting or self._had:
            _log.info("turn taken", lock=self._lock, again=self._had)
        self._waiting, self._told = False, ""
