"""bridge.sources.redis.replies; that slicing changes nothing is in tests/property."""

import hiredis
import pytest

from bridge.sources.redis.channel import channel
from bridge.sources.redis.envelope import Envelopes
from bridge.sources.redis.replies import SLICE_BYTES, Replies
from tests.unit.sources.redis.scripted import bulk, message


def replies(patterns: bool = True) -> Replies:
    return Replies(channel(0, fanout_patterns=patterns), Envelopes())


def test_messages_are_deliveries_and_everything_else_is_an_answer() -> None:
    """Each in its order, with RESP2's arrays and RESP3's pushes."""
    push = message(b"2", b"worker.heartbeat").replace(b"*4", b">4", 1)
    stream = b"+PONG\r\n" + message(b"1") + push + bulk(b"pong", b"") + b"-ERR no\r\n:7\r\n_\r\n#f\r\n*0\r\n"
    deliveries, answers = replies().feed(stream, 5.0)
    assert [(one.body, one.routing_key, one.received_at) for one in deliveries] == [
        (b"1", "task.multi", 5.0),
        (b"2", "worker.heartbeat", 5.0),
    ]
    assert answers[:2] == [b"PONG", [b"pong", b""]]
    assert isinstance(answers[2], hiredis.ReplyError)
    assert answers[3:] == [7, None, False, []]


def test_a_subscription_without_a_pattern() -> None:
    """Three parts instead of four."""
    deliveries, answers = replies(patterns=False).feed(bulk(b"message", b"/0.celeryev", b"x"), 1.0)
    assert [(one.body, one.routing_key) for one in deliveries] == [(b"x", "")]
    assert answers == []


def test_a_message_larger_than_what_is_parsed_at_a_time() -> None:
    """It comes whole."""
    large = b"x" * (3 * SLICE_BYTES)
    deliveries, _ = replies().feed(memoryview(message(large) + message(b"y")), 1.0)
    assert [one.body for one in deliveries] == [large, b"y"]


def test_what_is_no_redis_is_said() -> None:
    """A wrong port."""
    with pytest.raises(hiredis.ProtocolError):
        replies().feed(b"SSH-2.0-OpenSSH\r\n", 1.0)


def test_channel_names_that_are_remembered_are_bounded() -> None:
    """Anybody may publish to any channel below the prefix."""
    parser = replies()
    for number in range(3000):
        deliveries, _ = parser.feed(message(b"x", b"key.%d" % number), 1.0)
        assert deliveries[0].routing_key == f"key.{number}"
    assert len(parser._keys) <= 1024
