"""What the Kafka ends and the commands share: addresses, property names, topic look-up, the truth about failures."""

from bridge.clients.kafka.address import DEAD_LETTER_SUFFIX, Address, check_topic, parse_url
from bridge.clients.kafka.connection import close_client, true_connect_error
from bridge.clients.kafka.logs import quiet_library_logs
from bridge.clients.kafka.properties import Properties, parse_properties
from bridge.clients.kafka.topics import Topics, create_topics, look_up_topics

__all__ = [
    "DEAD_LETTER_SUFFIX",
    "Address",
    "Properties",
    "Topics",
    "check_topic",
    "close_client",
    "create_topics",
    "look_up_topics",
    "parse_properties",
    "parse_url",
    "quiet_library_logs",
    "true_connect_error",
]
