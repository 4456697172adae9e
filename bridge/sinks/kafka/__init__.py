"""The Kafka sink."""

from bridge.sinks.kafka.forgetting import forget_position, stored_position
from bridge.sinks.kafka.sink import KafkaSink

__all__ = ["KafkaSink", "forget_position", "stored_position"]
