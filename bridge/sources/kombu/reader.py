"""The one thread that owns the connection: connects, reads, acknowledges, shows signs of life, connects again."""

import threading
from collections import deque
from collections.abc import Callable, Sequence

import structlog

from bridge.clients.backoff import Backoff
from bridge.clients.outage import Outage, brief
from bridge.clock import Clock
from bridge.errors import BridgeError, ConfigError, ConnectError, CredentialsError, SourceError
from bridge.model import Delivery
from bridge.sources.inbox import Inbox
from bridge.sources.kombu.link import Link
from bridge.sources.kombu.refusal import BROKEN
from bridge.sources.kombu.window import Window

_DRAIN_SECONDS = 0.02
"""How long the thread waits for the socket: what is settled meanwhile waits as long for its ack."""

_GOOD_SECONDS = 5.0
"""A connection that lived this long was a good one: the next attempt starts with the shortest delay again."""

_UNKEPT_FACTOR = 10
"""Where the broker keeps nothing we hold this many times `prefetch`: 50,000 messages, some 10 s of a busy cluster."""

_log = structlog.get_logger()


class Reader:
    """
    Runs one link after the other until told to close. Its methods are called from the event loop and return at once;
    the callbacks are called from the thread.

    Args:
        links: makes the link of a generation (0, 1, 2 ...), unopened.
        inbox: where deliveries and gaps go.
        shown: the broker, as logs show it.
        prefetch: the most deliveries unsettled per connection.
        max_unsettled_bytes: with so many bytes unsettled, reading pauses; where the broker keeps nothing it is the
            bound of the inbox instead.
        attempts: after so many the first connection is given up, with the last one's error. None: never.
        clock: dates gaps, times heartbeats.
        changed: something was put into the inbox, or the first connection was made.
        ended: the thread is about to end, with the error that ended it or None.
    """

    def __init__(
        self,
        links: Callable[[int], Link],
        inbox: Inbox,
        *,
        shown: str,
        prefetch: int,
        max_unsettled_bytes: int,
        attempts: int | None,
        clock: Clock,
        changed: Callable[[], None],
        ended: Callable[[BridgeError | None], None],
    ) -> None:
        self._links = links
        self._inbox = inbox
        self._shown = shown
        self._prefetch = prefetch
        self._max_bytes = max_unsettled_bytes
        self._attempts = attempts
        self._clock = clock
        self._changed = changed
        self._ended = ended
        self._window = Window(max_unsettled_bytes)
        self._outage = Outage(shown, clock, BROKEN)
        self._backoff = Backoff(clock)
        self._settled: deque[Sequence[Delivery]] = deque()
        self._wake = threading.Event()
        self._started = self._stopped = self._closed = False
        self._consuming = self._ever_consumed = False
        self._link: Link | None = None
        self._generation = -1
        self.connected = False
        """Whether a connection was ever made."""

    # From the event loop.

    def begin(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, name=f"kombu {self._shown}", daemon=True).start()

    def start(self) -> None:
        """Ask the broker for deliveries, on this connection and every later one."""
        self._started = True

    def settle(self, deliveries: Sequence[Delivery]) -> None:
        """They may be acknowledged."""
        self._settled.append(deliveries)

    def stop(self) -> None:
        """Ask for no more, and connect no more; what was delivered may still be settled."""
        self._stopped = True
        self._wake.set()

    def close(self) -> None:
        """Acknowledge what is settled, disconnect, end the thread."""
        self._closed = True
        self.stop()

    def abort(self) -> None:
        """The thread did not end: break the read or write it hangs in."""
        link = self._link
        if link is not None:
            link.abort()

    # In the thread.

    def _run(self) -> None:
        error: BridgeError | None = None
        try:
            while (link := self._connect()) is not None:
                self._serve(link)
        except BridgeError as refused:
            error = refused
        except Exception as bug:  # noqa: BLE001 - a thread that dies silently would leave `read` waiting for ever
            _log.exception("kombu thread failed", broker=self._shown)
            error = SourceError(f"{self._shown}: {type(bug).__name__}: {brief(bug)}")
            error.__cause__ = bug
        finally:
            self._ended(error)

    def _connect(self) -> Link | None:
        """The next link, open; None when stopped."""
        while not self._stopped:
            self._generation += 1
            link = self._link = self._links(self._generation)
            self._consuming = False
            try:
                reason = link.open(again=self.connected)
                self._consume(link)  # here: what refuses it over and over is one outage, told as rarely as any
            except (ConnectError, CredentialsError) as error:
                link.close(polite=False)
                if not self.connected and self._generation + 1 == self._attempts:
                    raise
                self._outage.attempt_failed(error)
                self._wake.wait(self._backoff.delay())
            except BaseException:
                link.close(polite=False)
                raise
            else:
                self._welcome(link, reason)
                return link
        return None

    def _welcome(self, link: Link, reason: str | None) -> None:
        if not link.keeps:
            self._inbox.bound(_UNKEPT_FACTOR * self._prefetch, self._max_bytes)
        if link.redelivers and reason is None:
            self._window.settle(self._inbox.forget())
        gap = self._outage.end(reason, link.heard_at)
        if gap is not None:
            self._inbox.put([gap])
        self.connected = True
        self._changed()

    def _serve(self, link: Link) -> None:
        """Until closed, or the connection is lost."""
        since = self._clock.monotonic()
        try:
            self._pump(link)
        except Exception as error:
            # Any exception: py-amqp and kombu's transports raise AttributeError, KeyError, struct.error ... on a
            # connection that breaks at the wrong moment. None of them may end the process.
            if self._is_final(error):
                link.close(polite=False)
                raise
            lived = self._clock.monotonic() - since
            self._hand_over(link)
            self._outage.begin(error, link.heard_at, lived=lived)
            link.close(polite=False)
            if lived >= _GOOD_SECONDS:
                self._backoff.reset()
            self._wake.wait(self._backoff.delay())
        else:
            link.close(polite=True)

    def _is_final(self, error: Exception) -> bool:
        """Whether waiting cannot help, or is not wanted before the first deliveries."""
        refused = isinstance(error, CredentialsError) and self._attempts is not None and not self._ever_consumed
        return refused or isinstance(error, ConfigError)

    def _pump(self, link: Link) -> None:
        cancelled = False
        while True:
            closed = self._closed  # asked first: what is settled before `close` is acknowledged
            self._acknowledge(link)
            if closed:
                return
            if self._stopped and not cancelled:
                link.cancel()
                cancelled = True
            # once stopped, what still comes is read and thrown away: it is not settled, so the broker keeps it
            room = self._window.room if link.keeps and not self._stopped else self._max_bytes
            reading = room > 0
            link.beat(reading=reading)
            if not reading:
                self._wake.wait(_DRAIN_SECONDS)
                continue
            self._consume(link)
            link.drain(_DRAIN_SECONDS, room)
            self._hand_over(link)

    def _consume(self, link: Link) -> None:
        """Ask for deliveries, once, when that is wanted and needed."""
        if link.keeps and self._started and not self._consuming and not self._stopped:
            link.consume(self._prefetch_that_fits())
            self._consuming = self._ever_consumed = True

    def _acknowledge(self, link: Link) -> None:
        tags: list[object] = []
        while self._settled:
            tags += self._window.settle(self._settled.popleft())
        mine = [tag for tag in tags if tag[0] == self._generation]  # type: ignore[index]  # links make pairs
        if mine:
            link.settle(mine)

    def _hand_over(self, link: Link) -> None:
        items = link.take()
        if not items or self._stopped:
            return
        if link.keeps:
            self._window.take(items)
        self._inbox.put(items)
        self._changed()

    def _prefetch_that_fits(self) -> int:
        """
        What `max_unsettled_bytes` holds of bodies as large as those seen so far, at most `prefetch`.

        A window that overflows pauses reading, and a broker that cannot send for 15 s closes the connection
        (RabbitMQ's `send_timeout`): the next one then asks for less instead of running into the same again.
        """
        mean = self._window.mean_size
        return self._prefetch if mean <= 0 else max(1, min(self._prefetch, int(self._max_bytes / mean)))
