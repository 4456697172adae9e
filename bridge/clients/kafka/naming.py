"""What a Kafka topic may be called, and what that of its dead letters is."""

import re

DEAD_LETTER_SUFFIX = ".dlq"
POSITIONS_SUFFIX = ".positions"
"""Of the topic that holds how far each exactly-once writer got."""

# org.apache.kafka.common.internals.Topic: what a broker accepts as a name, at most 249 characters.
_TOPIC = re.compile(r"[A-Za-z0-9._-]+")
_TOPIC_LENGTH = 249 - len(DEAD_LETTER_SUFFIX)
_POSITIONED_TOPIC_LENGTH = 249 - len(POSITIONS_SUFFIX)


def check_topic(topic: str, *, positioned: bool = False) -> str:
    """
    What is wrong with a topic's name; empty when nothing is. Its dead letters' topic has 4 characters more, and that
    of its positions 10, if it is to be `positioned`.
    """
    longest = _POSITIONED_TOPIC_LENGTH if positioned else _TOPIC_LENGTH
    if not topic:
        return "the Kafka URL names no topic: kafka://host:9092/topic"
    if topic in {".", ".."} or not _TOPIC.fullmatch(topic):
        return f"the Kafka topic {topic!r} may hold letters, digits, dots, dashes and underscores only"
    if len(topic) > longest:
        return f"the Kafka topic's name is longer than {longest} characters"
    return ""
