"""The Kafka sink."""

from bridge.sinks.kafka.sink import KafkaSink

__all__ = ["KafkaSink"]
