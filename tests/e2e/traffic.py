"""A cluster's events, while somebody else breaks things: a thread that publishes and takes no for an answer later."""

import hashlib
import threading
from types import TracebackType
from typing import Self

from tests.ledger import Publisher, numbered

LIST_LENGTH = 10
_AT_ONCE = 200  # events between two waits for the broker's confirmation
_RETRY_SECONDS = 0.2


class Traffic:
    """
    Publishes numbered events on demand, half of them one by one, half of them in lists of LIST_LENGTH, each confirmed
    by the broker. What the broker did not confirm is sent again over a new connection, so it may be there twice. A
    context manager.

    Args:
        url: of the broker.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._wanted = 0
        self._next = 0
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="traffic")
        self.accepted: dict[int, str] = {}
        """As `Publisher.accepted`, over all connections. Grows in the thread."""
        self.failures = 0
        """Connections that were lost, or could not be made."""

    def add(self, events: int) -> None:
        """Publish so many more; returns at once."""
        with self._changed:
            self._wanted += events
            self._changed.notify_all()

    def wait(self, seconds: float = 60) -> None:
        """
        Wait until all that was asked for is accepted.

        Raises:
            AssertionError: it takes longer.
        """
        with self._changed:
            done = self._changed.wait_for(lambda: len(self.accepted) >= self._wanted, seconds)
        assert done, f"only {len(self.accepted)} of {self._wanted} events were accepted within {seconds} s"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._ended:
            try:
                with Publisher(self._url) as publisher:
                    while numbers := self._take():
                        self._publish(publisher, numbers)
            except Exception:  # noqa: BLE001 - kombu's transports raise anything on a connection that breaks
                with self._changed:
                    self.failures += 1
                    self._changed.wait_for(lambda: self._ended, _RETRY_SECONDS)

    def _take(self) -> range:
        """The next numbers to publish, once they are asked for; none at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._next < self._wanted)
            end = self._next if self._ended else min(self._next + _AT_ONCE, self._wanted)
            return range(self._next, end)

    def _publish(self, publisher: Publisher, numbers: range) -> None:
        bodies = {number: numbered(number) for number in numbers}
        for first in numbers[::LIST_LENGTH]:
            some = [bodies[number] for number in numbers if first <= number < first + LIST_LENGTH]
            if first // LIST_LENGTH % 2:
                publisher.send(b"[" + b", ".join(some) + b"]")
            else:
                for body in some:
                    publisher.send(body)
        publisher.confirm()
        with self._changed:
            self.accepted.update((number, hashlib.sha256(body).hexdigest()) for number, body in bodies.items())
            self._next = numbers.stop
            self._changed.notify_all()
