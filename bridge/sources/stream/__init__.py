"""RabbitMQ's streams, over their own protocol, or over AMQP 0-9-1 where that is not to be had."""

from bridge.sources.stream.source import StreamSource

__all__ = ["StreamSource"]
