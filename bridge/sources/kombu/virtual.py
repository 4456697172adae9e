"""Kombu's virtual transports: memory, filesystem, mongodb, gcpubsub and whatever else emulates AMQP in the client."""

import contextlib
import json
from typing import Any
from uuid import uuid4

import orjson
from celery.events.event import get_exchange
from kombu import entity

from bridge.clients.envelope import open_envelope
from bridge.clients.queue import BINDING, QueuePlan
from bridge.clock import Clock
from bridge.model import Delivery, Gap
from bridge.sources.kombu import refusal
from bridge.sources.kombu.address import Address

_BATCH = 1000


class _Untouched:
    """What the channel makes of a raw message instead of kombu's Message: neither inflated nor decoded."""

    def __init__(self, payload: Any, channel: Any = None) -> None:  # noqa: ARG002 - kombu passes it
        properties = payload.get("properties") if isinstance(payload, dict) else None
        tag = properties.get("delivery_tag") if isinstance(properties, dict) else None
        self.payload = payload
        self.delivery_tag = tag if isinstance(tag, str | int) else str(uuid4())
        self.delivery_info = properties.get("delivery_info") if isinstance(properties, dict) else None

    def serializable(self) -> Any:
        """What kombu would put back."""
        return self.payload


class VirtualLink:
    """
    Fulfils `Link`. Topic exchanges are acknowledged tag by tag: these transports ignore `multiple`. Where Celery's
    exchange is a fanout (gcpubsub) there is nothing to acknowledge, and `keeps` is False.

    What is not settled when it is closed is put back into our own queue. Kombu's own restoring would send it to every
    queue bound to the exchange, the workers' gossip included.
    """

    redelivers = False  # what was handed out lives in the client: it goes with a connection that breaks

    def __init__(self, address: Address, plan: QueuePlan, clock: Clock, generation: int) -> None:
        """
        Args:
            address: one with kind `virtual`.
            plan: what queue to declare; its arguments mean nothing here.
            clock: dates deliveries.
            generation: goes into the tags, as with every link.
        """
        self._address = address
        self._plan = plan
        self._name = plan.name()
        self._clock = clock
        self._generation = generation
        self._client: Any = address.client({})
        self._transport: Any = None
        self._connection: Any = None
        self._channel: Any = None
        self._queue: Any = None
        self._consumer: str | None = None
        self._deliveries: list[Delivery | Gap] = []
        self._bytes = 0
        self._unsettled: dict[object, Any] = {}
        self.keeps = True
        self.heard_at = clock.now()

    def open(self, *, again: bool) -> str | None:
        """As `Link.open`."""
        try:
            self._transport = self._client.transport
            self._connection = self._transport.establish_connection()
            channel = self._channel = self._transport.create_channel(self._connection)
            channel.Message = _Untouched
            channel.do_restore = False  # see the class: we do it ourselves
            exchange = get_exchange(self._client)
            self.keeps = exchange.type != "fanout"
            temporary = self._plan.transient or not self.keeps
            queue: Any = entity.Queue
            self._queue = queue(self._name, exchange, BINDING, durable=not temporary, auto_delete=temporary)(channel)
            self._queue.declare()
        except Exception as error:
            raise refusal.while_connecting(error, self._address.shown) from error
        self.heard_at = self._clock.now()
        if not self.keeps:
            self._consume()
        return "disconnected" if again and temporary else None

    def consume(self, prefetch: int) -> None:
        """As `Link.consume`."""
        try:
            self._channel.basic_qos(0, prefetch, False)
            self._consume()
        except Exception as error:
            raise refusal.while_connecting(error, self._address.shown) from error

    def _consume(self) -> None:
        self._consumer = str(uuid4())
        self._channel.basic_consume(self._name, not self.keeps, self._collect, self._consumer)

    def _collect(self, message: _Untouched) -> None:
        now, tag = self._clock.now(), (self._generation, message.delivery_tag)
        payload = message.payload
        delivery = open_envelope(payload, received_at=now, tag=tag) if isinstance(payload, dict) else None
        if delivery is None:
            delivery = Delivery(_as_json(payload), received_at=now, tag=tag)
        if self.keeps:
            self._unsettled[tag] = payload
        self._bytes += len(delivery.body)
        self._deliveries.append(delivery)

    def drain(self, seconds: float, max_bytes: int) -> None:
        """As `Link.drain`. A message that the transport took and cannot read (a file half written) becomes a Gap."""
        wait = seconds
        self._bytes = 0
        with contextlib.suppress(TimeoutError):
            while len(self._deliveries) < _BATCH and self._bytes < max_bytes:
                try:
                    self._transport.drain_events(self._connection, timeout=wait)
                except (ValueError, RecursionError):  # json's and Unicode's
                    self._deliveries.append(Gap("unreadable", self.heard_at, self._clock.now()))
                wait = 0
        self.heard_at = self._clock.now()

    def take(self) -> list[Delivery | Gap]:
        """As `Link.take`."""
        taken = self._deliveries
        self._deliveries = []
        return taken

    def settle(self, tags: list[object]) -> None:
        """As `Link.settle`."""
        for tag in tags:
            if self._unsettled.pop(tag, None) is not None:
                self._channel.basic_ack(tag[1])  # type: ignore[index]  # made by us, as (generation, tag)

    def beat(self, *, reading: bool) -> None:
        """As `Link.beat`: these transports have none, every poll asks the server."""

    def cancel(self) -> None:
        """As `Link.cancel`."""
        if self._consumer is not None:
            self._channel.basic_cancel(self._consumer)
            self._consumer = None

    def close(self, *, polite: bool) -> None:
        """As `Link.close`."""
        if self._channel is None:
            return
        errors = (*refusal.BROKEN, *self._client.connection_errors, *self._client.channel_errors, AttributeError)
        if polite:
            with contextlib.suppress(*errors):
                self.cancel()
                self._leave()
        with contextlib.suppress(*errors):
            self._transport.close_connection(self._connection)
        self._channel = None

    def _leave(self) -> None:
        if self._plan.transient or not self.keeps:
            self._channel.queue_delete(self._name)
            # kombu's delete leaves the binding in its table, and publishing would make the queue again
            self._channel.queue_unbind(self._name, self._queue.exchange.name, BINDING)
        else:
            for payload in self._unsettled.values():
                marked = {**payload, "redelivered": True} if isinstance(payload, dict) else payload
                self._channel._put(self._name, marked)
        self._unsettled.clear()

    def abort(self) -> None:
        """As `Link.abort`: nothing here waits longer than a poll."""


def _as_json(payload: object) -> bytes:
    """What is no envelope, for its dead letter. Python's json parsed it, and knows more than orjson."""
    try:
        return orjson.dumps(payload, default=repr, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # an integer beyond 64 bit, a lone surrogate, nesting beyond 254
        return json.dumps(payload, default=repr).encode()
