"""One AMQP connection: RabbitMQ, through kombu and py-amqp."""

import contextlib
import select
import socket
import time
from collections.abc import Iterator
from typing import Any

from amqp import spec
from amqp.exceptions import NotFound

from bridge.clients.acks import Acks
from bridge.clients.queue import BINDING, EXCHANGE, QueuePlan
from bridge.clock import Clock
from bridge.model import Delivery, Gap
from bridge.sources.kombu import refusal
from bridge.sources.kombu.address import Address
from bridge.sources.kombu.ahead import ReadAhead
from bridge.sources.kombu.frames import FrameReader

_IO_SECONDS = 10
"""How long one read or write of a declaration may take, at most; a frozen broker must not hold the thread for ever."""

_CLOSE_SECONDS = 2.0
"""For the farewell; what the broker still sends meanwhile is read and thrown away."""

_FAREWELL_BYTES = 1024 * 1024
"""Of deliveries that nobody wants any more, thrown away at a time."""

_BATCH = 1000
"""Deliveries collected at most before they are handed on and acks are sent: about 30 ms of py-amqp's parsing."""

_MAX_PREFETCH = 65535  # AMQP: a short


class AmqpLink:
    """Fulfils `Link` for RabbitMQ and whatever else speaks AMQP 0-9-1."""

    keeps = True

    def __init__(self, address: Address, plan: QueuePlan, clock: Clock, generation: int) -> None:
        """
        Args:
            address: one with kind `amqp`.
            plan: what queue to declare.
            clock: dates deliveries and times heartbeats.
            generation: goes into the tags: AMQP's count from 1 on every channel.
        """
        self._address = address
        self._plan = plan
        self.redelivers = not plan.transient
        self._queue = plan.name()
        self._clock = clock
        self._frames = FrameReader(lambda tag: (generation, tag), clock.now)
        self._connection: Any = None
        self._channel: Any = None
        self._poll = select.poll()
        self._ahead: ReadAhead | None = None
        self._consumer: str | None = None
        self._acks = Acks()
        self._beat_at = self._alive_at = clock.monotonic()
        self.heard_at = clock.now()

    # Connecting.

    def open(self, *, again: bool) -> str | None:
        """As `Link.open`; a queue that was deleted meanwhile is `queue-deleted`, a transient one `disconnected`."""
        try:
            self._connect()
        except Exception as error:
            raise refusal.while_connecting(error, self._address.shown) from error
        existed = not self._plan.transient and again and self._is_there("queue_declare", self._queue)
        self._declare()
        self._alive_at = self._beat_at = self._clock.monotonic()
        self.heard_at = self._clock.now()
        if again and not existed:
            return "disconnected" if self._plan.transient else "queue-deleted"
        return None

    def _connect(self) -> None:
        patience = min(_IO_SECONDS, 2 * self._address.parameters["heartbeat"])
        options = {
            "frame_handler": self._frames.handler,
            "read_timeout": patience,
            "write_timeout": patience,
            # py-amqp's 1 s would make a second of packet loss a reconnect
            "socket_settings": {socket.TCP_USER_TIMEOUT: patience * 1000},
            "client_properties": {"connection_name": f"celery-event-bridge {self._queue}"},
        }
        client = self._address.client(options)
        # the transport's own call: Connection.connect() tries twice, 2 s apart
        self._connection = client.transport.establish_connection()
        self._channel = self._connection.channel()
        self._poll.register(self._connection.sock, select.POLLIN)
        transport = self._connection.transport
        self._ahead = transport._quick_recv = ReadAhead(transport._quick_recv)  # the TCP and the TLS transport's name

    def _is_there(self, method: str, name: str) -> bool:
        """Ask passively, which needs no right, on a channel of its own: "not found" closes it."""
        channel = self._connection.channel()
        try:
            if method == "exchange_declare":
                channel.exchange_declare(name, "topic", passive=True)
            else:
                channel.queue_declare(name, passive=True, auto_delete=False)
        except NotFound:
            return False
        except Exception as error:
            raise refusal.while_declaring(error, self._address.shown, self._queue, f"see {name}") from error
        else:
            return True
        finally:
            with contextlib.suppress(*refusal.BROKEN):
                channel.close()

    def _declare(self) -> None:
        transient = self._plan.transient
        if not self._is_there("exchange_declare", EXCHANGE):
            with self._needing(f"configure the exchange {EXCHANGE}"):
                self._channel.exchange_declare(EXCHANGE, "topic", durable=True, auto_delete=False)
        with self._needing(f"configure the queue {self._queue}"):
            self._channel.queue_declare(
                self._queue,
                durable=not transient,
                exclusive=transient,
                auto_delete=transient,
                arguments=self._plan.arguments(),
            )
        with self._needing(f"write to the queue {self._queue} and read from the exchange {EXCHANGE}"):
            self._channel.queue_bind(self._queue, EXCHANGE, BINDING)

    @contextlib.contextmanager
    def _needing(self, right: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            raise refusal.while_declaring(error, self._address.shown, self._queue, right) from error

    # Reading.

    def consume(self, prefetch: int) -> None:
        """As `Link.consume`."""
        with self._needing(f"read from the queue {self._queue}"):
            self._channel.basic_qos(0, min(max(prefetch, 1), _MAX_PREFETCH), False)
            self._consumer = self._channel.basic_consume(self._queue, no_ack=False)

    def drain(self, seconds: float, max_bytes: int) -> None:
        """As `Link.drain`; raises what the broker closed channel or connection with, ConsumerCancelled among it."""
        connection, deliveries = self._connection, self._frames.deliveries
        transport, collected, room = connection.transport, len(deliveries), max_bytes
        frames = 0
        try:
            # frame by frame and not drain_events(): that one sets the socket's timeout twice per frame
            with contextlib.suppress(TimeoutError), transport.having_timeout(seconds):
                while collected < _BATCH and room > 0:
                    connection.on_inbound_frame(transport.read_frame())
                    frames += 1
                    if len(deliveries) > collected:
                        collected = len(deliveries)
                        room -= len(deliveries[-1].body)
                        if not self._more():
                            break
        finally:
            if frames:
                self._alive_at = self._clock.monotonic()
                self.heard_at = self._clock.now()

    def _more(self) -> bool:
        """Whether a frame can be read without waiting for its first byte."""
        if self._ahead is not None and self._ahead.holds:
            return True
        pending = getattr(self._connection.sock, "pending", None)  # only TLS sockets have it
        return bool((pending is not None and pending()) or self._poll.poll(0))

    def take(self) -> list[Delivery | Gap]:
        """As `Link.take`."""
        taken: list[Delivery | Gap] = [*self._frames.deliveries]
        self._frames.deliveries.clear()
        return taken

    def settle(self, tags: list[object]) -> None:
        """As `Link.settle`."""
        reached = self._acks.settle(tag[1] for tag in tags)  # type: ignore[index]  # we made them (generation, tag)
        if reached is not None:
            self._channel.basic_ack(reached, multiple=True)

    def beat(self, *, reading: bool) -> None:
        """As `Link.beat`: twice per interval; two of silence are a dead connection (AMQP 0-9-1, 4.2.7)."""
        now, interval = self._clock.monotonic(), self._connection.heartbeat
        if not reading:
            self._alive_at = now
        if not interval:
            return
        if now - self._alive_at > 2 * interval:
            raise ConnectionAbortedError(f"{self._address.shown} was silent for {2 * interval:g} s")
        if now - self._beat_at >= interval / 2:
            self._connection.send_heartbeat()
            self._beat_at = now

    def cancel(self) -> None:
        """As `Link.cancel`."""
        if self._consumer is not None:
            self._channel.basic_cancel(self._consumer, nowait=True)
            self._consumer = None

    # Leaving.

    def close(self, *, polite: bool) -> None:
        """
        As `Link.close`. RabbitMQ handles a connection's methods in order, so acks sent before are counted.

        py-amqp's own close() waits without a deadline for an answer that a dead broker never gives; its collect()
        closes the socket without a word.
        """
        connection = self._connection
        if connection is None:
            return
        deadline = time.monotonic() + _CLOSE_SECONDS
        with contextlib.suppress(*refusal.BROKEN, AttributeError):
            if polite:
                for tag in self._acks.left():
                    self._channel.basic_ack(tag)
                connection.send_method(spec.Connection.Close, "BsBB", (0, "", 0, 0))
            while polite and connection.connected and time.monotonic() < deadline:
                self.drain(0.1, _FAREWELL_BYTES)
                self._frames.deliveries.clear()
        self.abort()  # else closing a TLS socket waits for the other side
        with contextlib.suppress(*refusal.BROKEN, ValueError):
            connection.collect()

    def abort(self) -> None:
        """As `Link.abort`."""
        transport = getattr(self._connection, "_transport", None)
        sock = getattr(transport, "sock", None)
        if sock is not None:
            with contextlib.suppress(OSError):
                # the plain socket's: TLS's own forgets its session, which the other thread may be using
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
