"""
RabbitMQ, Redis and every other transport of kombu, on one thread.

    source      the event loop's side: KombuSource
    reader      the thread: connects, reads, acknowledges, connects again
    link        what the thread asks of a connection; amqp, redis and virtual fulfil it
    window      what was taken and not settled
    address     the URL; frames: bytes to deliveries; refusal: errors
"""

from bridge.sources.kombu.source import KombuSource

__all__ = ["KombuSource"]
