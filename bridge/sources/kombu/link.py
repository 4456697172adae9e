"""What the reader's thread asks of one connection to a broker, whatever the transport."""

from typing import Protocol

from bridge.model import Delivery, Gap


class Link(Protocol):
    """
    One connection, from `open` to `close` or `abort`. All calls come from the reader's thread, only `abort` may come
    from any. Every method may raise the transport's errors: then the connection is lost.
    """

    keeps: bool
    """Whether the broker keeps for us what we do not settle. Where it does not, reading never stops."""

    redelivers: bool
    """Whether what we did not settle comes again over the next connection, unless `open` gives a reason."""

    heard_at: float
    """When the broker last said anything, in seconds since the epoch: until then the subscription was whole."""

    def open(self, *, again: bool) -> str | None:
        """
        Connect, declare queue and binding. Where the broker keeps nothing, deliveries are collected from then on.

        Args:
            again: there was such a connection before this one, so the queue should be there.

        Returns:
            None, or with `again` why events may have been lost since (a Gap's reason).

        Raises:
            ConfigError, CredentialsError, ConnectError: it did not work.
        """
        ...

    def consume(self, prefetch: int) -> None:
        """
        Ask for deliveries, at most `prefetch` of them unsettled. Called once, where `keeps` is True.

        Raises:
            ConfigError, CredentialsError, ConnectError: it did not work.
        """
        ...

    def drain(self, seconds: float, max_bytes: int) -> None:
        """
        Collect what is there, at least one delivery and no more once their bodies hold `max_bytes`; with nothing there
        wait for it, at most `seconds`.
        """
        ...

    def take(self) -> list[Delivery | Gap]:
        """Hand over what was collected, in the broker's order. Never raises, also after another method did."""
        ...

    def settle(self, tags: list[object]) -> None:
        """The broker may forget these deliveries, in the order of reading."""
        ...

    def beat(self, *, reading: bool) -> None:
        """
        Show the broker that we live, and find out whether it does. Called several times a second.

        Args:
            reading: False while `drain` is not called on purpose, so that silence says nothing.

        Raises:
            ConnectionError: it said nothing for too long.
        """
        ...

    def cancel(self) -> None:
        """Ask for no more deliveries; what was delivered may still be settled."""
        ...

    def close(self, *, polite: bool) -> None:
        """
        Disconnect, in a bounded time. Never raises a transport's error; safe when `open` failed, and twice.

        Args:
            polite: say goodbye first: what is not settled is given back, and of a transient queue nothing is left.
                False after an error: a broker that may be gone is told nothing.
        """
        ...

    def abort(self) -> None:
        """From any thread: end whatever read or write the reader's thread waits in. Never raises; safe twice."""
        ...
