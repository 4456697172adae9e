"""Bytes of a Redis connection to what they say: deliveries, and answers to what was asked. No I/O."""

from typing import Any, Final

import hiredis

from bridge.model import Delivery
from bridge.sources.redis.channel import Channel
from bridge.sources.redis.envelope import Envelopes

SLICE_BYTES = 16 * 1024
"""
Given to hiredis at a time. It moves all it holds to the front for every kilobyte that it has read, so a message in a
buffer of 1 MiB cost 7.0 us, of 256 KiB 2.1, of 64 KiB 0.7, of 16 KiB 0.42.
"""

_PARTIAL: Final = object()
"""What hiredis returns when a reply is not whole yet; its default, False, is a value of RESP3."""

_MESSAGES: Final = (b"pmessage", b"message")
"""(pattern, channel, data) and (channel, data) follow: redis.io/docs, "Pub/sub"."""

_KEYS = 1024
"""Channel names remembered. Celery uses a handful; who sends custom events makes more."""


class Replies:
    """
    Parses RESP2 and RESP3 of one connection, however its bytes are sliced.

    Args:
        channel: names the routing key of a message whose envelope does not.
        envelopes: what is known of them; may be shared by connections of one event loop.
    """

    def __init__(self, channel: Channel, envelopes: Envelopes) -> None:
        self._reader: Any = hiredis.Reader(notEnoughData=_PARTIAL)
        self._channel = channel
        self._envelopes = envelopes
        self._keys: dict[bytes, str] = {}
        """Channel name -> routing key, of those seen; decoding it each time took a sixth of all."""

    def feed(self, data: bytes | memoryview, received_at: float) -> tuple[list[Delivery], list[Any]]:
        """
        Deliveries and answers that end in `data`, each in the server's order.

        Answers are as hiredis makes them: bytes, int, list, dict, None, or a `hiredis.ReplyError` (returned, not
        raised). A message of a subscription is no answer.

        Args:
            received_at: of the deliveries, seconds since the epoch.

        Raises:
            hiredis.ProtocolError: this is no Redis.
        """
        deliveries: list[Delivery] = []
        answers: list[Any] = []
        feed, gets = self._reader.feed, self._reader.gets
        envelopes, keys = self._envelopes, self._keys
        size = len(data)
        for start in range(0, size, SLICE_BYTES):
            feed(data, start, min(SLICE_BYTES, size - start))
            while (reply := gets()) is not _PARTIAL:
                if isinstance(reply, list) and reply and reply[0] in _MESSAGES:  # a push is a list too
                    name: bytes = reply[-2]
                    message: bytes = reply[-1]
                    key = keys.get(name)
                    if key is None:
                        key = self._key(name)
                    deliveries.append(envelopes.open(message, key, received_at))
                else:
                    answers.append(reply)
        return deliveries, answers

    def _key(self, name: bytes) -> str:
        if len(self._keys) >= _KEYS:
            self._keys.clear()
        key = self._keys[name] = self._channel.routing_key(name)
        return key
