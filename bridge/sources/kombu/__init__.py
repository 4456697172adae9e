"""
RabbitMQ, Redis and every other transport of kombu, on one thread.

    source      the event loop's side: KombuSource
    reader      the thread: connects, reads, acknowledges, connects again
    link        what the thread asks of a connection; amqp, redis and virtual fulfil it
    acks        which tags to acknowledge
    inbox       what was read and not taken; window: what was taken and not settled; outage: the time between
    address     the URL; queue: our queue's name and arguments; frames, envelope: bytes to deliveries; refusal: errors
"""

from bridge.sources.kombu.source import KombuSource

__all__ = ["KombuSource"]
