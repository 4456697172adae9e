"""
Redis pub/sub as kombu's transport uses it, read without kombu's poller.

Celery publishes events to the channel `/<db>.celeryev/<routing.key>` (facts of kombu/transport/redis.py: fanout_prefix,
fanout_patterns, global_keyprefix), each an envelope of JSON. Kombu's own reader drops an envelope it cannot parse,
follows a lost connection without a word, and never notices one that is half open; so the connection is kombu's (URL,
TLS, sentinels, prefixes) and the reading is ours. We subscribe by pattern and enter nothing into kombu's binding set:
nothing is left behind, not even after a kill -9.
"""

import contextlib
import socket
import time
from typing import Any

from bridge.clients.envelope import read_envelope
from bridge.clients.queue import EXCHANGE, QueuePlan
from bridge.clock import Clock
from bridge.model import Delivery, Gap
from bridge.sources.kombu import refusal
from bridge.sources.kombu.address import Address

_BATCH = 1000

_PING_SECONDS = 3.0
"""Silence after which the server is asked whether it is there; kombu's option `health_check_interval` replaces it."""

_PINGS = 3
"""Questions without an answer that mean a dead connection: about 10 s with the default."""


class RedisLink:
    """Fulfils `Link` for redis, rediss and sentinel. Nothing is kept for us and nothing acknowledged."""

    keeps = False
    redelivers = False

    def __init__(self, address: Address, plan: QueuePlan, clock: Clock, generation: int) -> None:  # noqa: ARG002 - as all links
        """
        Args:
            address: one with kind `redis`.
            plan: not used: pub/sub has no queues.
            clock: dates deliveries.
            generation: goes into the tags.
        """
        self._address = address
        self._clock = clock
        self._generation = generation
        self._count = 0
        self._client: Any = address.client({})
        self._transport: Any = None
        self._redis: Any = None
        self._channel_prefix = ""
        self._deliveries: list[Delivery] = []
        self._ping_seconds = float(address.options.get("health_check_interval", _PING_SECONDS))
        self._alive_at = self._pinged_at = time.monotonic()
        self.heard_at = clock.now()

    def open(self, *, again: bool) -> str | None:
        """As `Link.open`: returns when the server confirmed the subscription; again is `disconnected`."""
        try:
            self._subscribe()
        except Exception as error:
            raise refusal.while_connecting(error, self._address.shown) from error
        return "disconnected" if again else None

    def _subscribe(self) -> None:
        self._transport = self._client.transport
        channel = self._transport.create_channel(self._transport.establish_connection())
        self._redis = channel.client.connection_pool.make_connection()
        self._redis.connect()
        self._channel_prefix = f"{channel.global_keyprefix}{channel.keyprefix_fanout}{EXCHANGE}"
        pattern = self._channel_prefix + ("/*" if channel.fanout_patterns else "")
        self._redis.send_command("PSUBSCRIBE", pattern, check_health=False)
        response: Any = None
        while not (isinstance(response, list) and response[0] == b"psubscribe"):
            response = self._redis.read_response(push_request=True)
        self._heard()

    def consume(self, prefetch: int) -> None:
        """As `Link.consume`: never called, the subscription delivers from the start."""

    def drain(self, seconds: float, max_bytes: int) -> None:  # noqa: ARG002 - what is not read is lost
        """As `Link.drain`."""
        wait = seconds
        while len(self._deliveries) < _BATCH and self._redis.can_read(timeout=wait):
            self._received(self._redis.read_response(push_request=True))
            self._heard()
            wait = 0

    def _received(self, response: Any) -> None:
        if not (isinstance(response, list) and len(response) == 4 and response[0] == b"pmessage"):
            return  # the answer to a ping
        _, _, channel, data = response
        self._count += 1
        name = channel.decode("utf-8", "replace")
        self._deliveries.append(
            read_envelope(
                data,
                routing_key=name.removeprefix(self._channel_prefix).removeprefix("/"),
                received_at=self._clock.now(),
                tag=(self._generation, self._count),
            )
        )

    def _heard(self) -> None:
        self._alive_at = time.monotonic()
        self.heard_at = self._clock.now()

    def take(self) -> list[Delivery | Gap]:
        """As `Link.take`."""
        taken: list[Delivery | Gap] = [*self._deliveries]
        self._deliveries = []
        return taken

    def settle(self, tags: list[object]) -> None:
        """As `Link.settle`: there is nobody to tell."""

    def beat(self, *, reading: bool) -> None:  # noqa: ARG002 - it always reads
        """As `Link.beat`."""
        now = time.monotonic()
        if now - self._alive_at > (_PINGS + 0.5) * self._ping_seconds:
            raise ConnectionAbortedError(f"{self._address.shown} was silent for {now - self._alive_at:.1f} s")
        if now - max(self._alive_at, self._pinged_at) >= self._ping_seconds:
            self._redis.send_command("PING", check_health=False)
            self._pinged_at = now

    def cancel(self) -> None:
        """As `Link.cancel`: the subscription ends with the connection."""

    def close(self, *, polite: bool) -> None:  # noqa: ARG002 - Redis forgets a subscriber with its connection
        """As `Link.close`."""
        with contextlib.suppress(*refusal.BROKEN, AttributeError):
            if self._redis is not None:
                self._redis.disconnect()
        with contextlib.suppress(*refusal.BROKEN, AttributeError):
            if self._transport is not None:
                self._transport.close_connection(self._transport)
        self._redis = None

    def abort(self) -> None:
        """As `Link.abort`."""
        sock = getattr(self._redis, "_sock", None)
        if sock is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
