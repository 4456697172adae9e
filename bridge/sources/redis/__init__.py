"""
Redis and Valkey, by publish/subscribe, on the event loop.

    source      RedisSource: connects, hands out, connects again
    address     the URL; channel: what is subscribed to
    subscribe   from an address to a connection that delivers: sentinel (which server), dial, login
    wire        one connection: asyncio's end of it; replies: bytes to deliveries and answers
    envelope    kombu's envelope, the fast way
    refusal     a server's words to errors
"""

from bridge.sources.redis.source import RedisSource

__all__ = ["RedisSource"]
