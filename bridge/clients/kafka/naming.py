"""What a Kafka topic may be called, and what that of its dead letters is."""

import re

DEAD_LETTER_SUFFIX = ".dlq"

# org.apache.kafka.common.internals.Topic: what a broker accepts as a name, at most 249 characters.
_TOPIC = re.compile(r"[A-Za-z0-9._-]+")
_TOPIC_LENGTH = 249 - len(DEAD_LETTER_SUFFIX)


def check_topic(topic: str) -> str:
    """What is wrong with a topic's name (its dead letters' topic has 4 characters more); empty when nothing is."""
    if not topic:
        return "the Kafka URL names no topic: kafka://host:9092/topic"
    if topic in {".", ".."} or not _TOPIC.fullmatch(topic):
        return f"the Kafka topic {topic!r} may hold letters, digits, dots, dashes and underscores only"
    if len(topic) > _TOPIC_LENGTH:
        return f"the Kafka topic's name is longer than {_TOPIC_LENGTH} characters"
    return ""
