"""The one task that holds the connection: connects, subscribes, shows signs of life, connects again."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

import structlog

from bridge.clients.backoff import Backoff
from bridge.clients.outage import Outage, brief
from bridge.clock import Clock
from bridge.errors import BridgeError, ConfigError, ConnectError, CredentialsError, SourceError
from bridge.sources.amqp.address import Address
from bridge.sources.amqp.refusal import BROKEN
from bridge.sources.stream.dial import Dial
from bridge.sources.stream.intake import Intake
from bridge.sources.stream.link import Link
from bridge.sources.stream.messages import offset_of, whole_until, written_of
from bridge.sources.stream.place import OLDEST, Place

_TURN_SECONDS = 0.5
"""How often it is looked whether a position is to be stored, when nothing else happens."""

_GOOD_SECONDS = 5.0
"""A connection that lived this long was a good one: the next attempt starts with the shortest delay again."""

_PASSING: tuple[type[Exception], ...] = (ConnectError, CredentialsError, *BROKEN)
"""What an attempt to connect may fail for and be tried again."""

_log = structlog.get_logger()


class Reader:
    """
    Runs one link after the other until told to close. All methods belong to the event loop.

    Args:
        places: of the broker, each with its port for streams, tried in turn.
        dial: makes links.
        intake: takes what they bring.
        shown: the broker, as logs show it.
        forced: where to begin whatever is remembered.
        fail_fast: each address is tried once for the first connection, and what refuses us before we ever read, ends.
        clock: times delays.
        changed: called when the first connection was made, and when the task ends.
    """

    def __init__(
        self,
        places: Sequence[tuple[Address, int]],
        dial: Dial,
        intake: Intake,
        *,
        shown: str,
        forced: Place | None,
        fail_fast: bool,
        clock: Clock,
        changed: Callable[[], None],
    ) -> None:
        self._places = places
        self._dial = dial
        self._intake = intake
        self._shown = shown
        self._forced = forced
        self._attempts = len(places) if fail_fast else None
        self._clock = clock
        self._changed = changed
        self._wake = asyncio.Event()
        self._outage = Outage(shown, clock, BROKEN)
        self._backoff = Backoff(clock)
        self._link: Link | None = None
        self._generation = 0
        self._started = self._stopped = self._closed = self._begun = self._ever_read = False
        self._made = False
        """Whether the stream was not there before our first connection."""
        self._position: bytes | None = None
        self.connected = self.ended = False
        """Whether a connection was ever made; whether the task is over."""
        self.failure: BridgeError | None = None
        """Why it is over, if not because it was told to."""

    def start(self, position: bytes | None, *, tracked: bool) -> None:
        """
        Ask for messages from this position on; None: from where the broker remembers. The first call counts.

        Args:
            tracked: whether the broker is to remember what is settled.
        """
        if not self._started:
            self._position, self._started = position, True
            self._intake.tracked = tracked
            self._wake.set()

    async def note(self, begins: int) -> None:
        """Have a start counted where the broker remembers, or taken back (-1). Returns when it is, or all is over."""
        self._intake.starts.add(begins)
        self._wake.set()
        try:
            await self._intake.starts.told()
        except asyncio.CancelledError:
            self._intake.starts.add(-begins)
            raise

    def follow(self) -> None:
        """Another replica has read the stream since we connected: a position in it is known, though we made it."""
        self._made = False

    def proceed(self) -> None:
        """Something was settled."""
        if self._link is not None:
            self._link.proceed()

    def stop(self) -> None:
        """Ask for no more, and connect no more; what was delivered may still be settled."""
        self._stopped = self._intake.stopped = True
        self._wake.set()

    def close(self) -> None:
        """Tell the broker what is settled, disconnect, end the task."""
        self._closed = True
        self.stop()

    async def run(self) -> None:
        """The task. Never raises but when cancelled: see `failure`."""
        try:
            while (link := await self._connect()) is not None:
                self._link = link
                try:
                    await self._serve(link)
                finally:
                    self._link = None
        except BridgeError as refused:
            self.failure = refused
        except Exception as bug:  # noqa: BLE001 - a task that dies silently would leave `read` waiting for ever
            _log.exception("stream source failed", broker=self._shown)
            self.failure = SourceError(f"{self._shown}: {type(bug).__name__}: {brief(bug)}")
            self.failure.__cause__ = bug
        finally:
            self.ended = True
            self._intake.starts.leave()
            self._changed()

    async def _connect(self) -> Link | None:
        """The next link, open and, once started, subscribed; None when stopped."""
        while not self._stopped:
            address, port = self._places[self._generation % len(self._places)]
            self._generation += 1
            link: Link | None = None
            try:
                link, existed = await self._dial.open(address, port, self._intake)
                self._welcome(link, existed=existed)
                await self._count(link)
                await self._subscribe(link)  # here: what refuses it over and over is one outage
            except _PASSING as error:
                if link is not None:
                    await link.close(polite=False)
                if self._is_final(error) or (not self.connected and self._generation == self._attempts):
                    raise
                self._outage.attempt_failed(error)
                await self._pause()
            else:
                return link
        return None

    def _welcome(self, link: Link, *, existed: bool) -> None:
        again, self.connected = self.connected, True
        self._made = self._made or (not again and not existed)
        reason = "queue-deleted" if again and not existed else None
        gap = self._outage.end(reason, link.heard_at)
        if gap is not None:
            self._intake.replaced(gap.reason, None if self._begun else gap.from_time)
        link.lost.add_done_callback(lambda _: self._wake.set())
        self._changed()

    async def _subscribe(self, link: Link) -> None:
        if not self._started or self._stopped:
            return
        if not self._begun:
            place = await self._first_place(link, self._position)
            known = b"" if self._position is None or self._forced is not None else self._position
            self._intake.begin(place, whole_until=whole_until(known), written=written_of(known))
            if self._made and place.kind == "offset" and place.value:
                self._intake.replaced("stream-replaced")
            self._begun = True
        await link.subscribe()
        self._ever_read = True

    async def begins_at(self, position: bytes | None) -> tuple[int, Address, int] | None:
        """
        The offset at which `start(position)` is going to begin, and the server that said so; None: no offset, or
        nothing lies before it.

        Raises:
            ConnectError: there is no connection now.
        """
        link = self._link
        if link is None:
            raise ConnectError("not connected")
        server = self._places[(self._generation - 1) % len(self._places)]
        place = await self._first_place(link, position)
        return None if self._made or place.kind != "offset" or not place.value else (place.value, *server)

    async def _first_place(self, link: Link, position: bytes | None) -> Place:
        if self._forced is not None:
            return self._forced
        if position is not None:
            return Place("offset", offset_of(position))
        stored = await link.stored()
        return OLDEST if stored is None else Place("offset", stored + 1)

    async def _count(self, link: Link) -> None:
        """Note what is to be noted of starts."""
        starts = self._intake.starts
        if not starts.wanted:
            return
        if not starts.known:
            place = await self._first_place(link, None)
            starts.found(place.number, await link.noted())
        if (due := starts.due) is not None:
            await link.note(due)
            starts.noted(due)

    async def _serve(self, link: Link) -> None:
        """Until closed, or the connection is lost."""
        since = self._clock.monotonic()
        subscribed = self._started
        try:
            while not self._closed:
                self._wake.clear()
                await self._count(link)
                if self._started and not subscribed:
                    subscribed = True
                    await self._subscribe(link)
                link.proceed()
                if link.lost.done():
                    raise link.lost.result()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_TURN_SECONDS):
                        await self._wake.wait()
        except Exception as error:
            await link.close(polite=False)
            if self._is_final(error):
                raise
            lived = self._clock.monotonic() - since
            self._outage.begin(error, link.heard_at, lived=lived)
            if lived >= _GOOD_SECONDS:
                self._backoff.reset()
            await self._pause()
        except BaseException:
            await link.close(polite=False)
            raise
        else:
            await link.close(polite=True)

    def _is_final(self, error: Exception) -> bool:
        """Whether waiting cannot help, or is not wanted before the first deliveries."""
        refused = isinstance(error, CredentialsError) and self._attempts is not None and not self._ever_read
        return refused or isinstance(error, ConfigError)

    async def _pause(self) -> None:
        """Wait for the next delay, or until stopped."""
        delay = asyncio.ensure_future(self._clock.sleep(self._backoff.delay()))
        while not (delay.done() or self._stopped):
            self._wake.clear()
            waking = asyncio.ensure_future(self._wake.wait())
            await asyncio.wait({delay, waking}, return_when=asyncio.FIRST_COMPLETED)
            waking.cancel()
        delay.cancel()
        await asyncio.gather(delay, return_exceptions=True)
