"""What the Kafka ends and the commands share: property names, topics, and the truth about failures."""

from bridge.clients.kafka.connection import close_client, named_brokers, true_connect_error
from bridge.clients.kafka.logs import quiet_library_logs
from bridge.clients.kafka.naming import DEAD_LETTER_SUFFIX, POSITIONS_SUFFIX, check_topic
from bridge.clients.kafka.properties import Properties, parse_properties
from bridge.clients.kafka.reader import Message, TopicReader
from bridge.clients.kafka.topics import Topics, create_topics, look_up_topics

__all__ = [
    "DEAD_LETTER_SUFFIX",
    "POSITIONS_SUFFIX",
    "Message",
    "Properties",
    "TopicReader",
    "Topics",
    "check_topic",
    "close_client",
    "create_topics",
    "look_up_topics",
    "named_brokers",
    "parse_properties",
    "quiet_library_logs",
    "true_connect_error",
]
