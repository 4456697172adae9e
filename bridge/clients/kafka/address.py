"""Kafka URLs and topic names: `kafka://h1:9092,h2:9092/topic`."""

import re
from dataclasses import dataclass

from bridge.errors import ConfigError

DEFAULT_PORT = 9092
DEAD_LETTER_SUFFIX = ".dlq"

_SCHEME = "kafka://"
# A name, an IPv4 address, or an IPv6 address in brackets; then perhaps a port.
_SERVER = re.compile(r"(?P<host>[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")
# org.apache.kafka.common.internals.Topic: what a broker accepts as a name, at most 249 characters.
_TOPIC = re.compile(r"[A-Za-z0-9._-]+")
_TOPIC_LENGTH = 249 - len(DEAD_LETTER_SUFFIX)


@dataclass(frozen=True, slots=True)
class Address:
    """Where records go or come from."""

    servers: tuple[str, ...]
    """1..n times host:port; the cluster tells the other brokers."""
    topic: str


def parse_url(url: str) -> Address:
    """
    Take a Kafka URL apart. A server without a port has 9092.

    Raises:
        ConfigError: every problem of it. Credentials have no place in it, and are not repeated in the text.
    """
    if not url.startswith(_SCHEME):
        raise ConfigError("a Kafka URL begins with kafka://")
    hosts, _, topic = url.removeprefix(_SCHEME).partition("/")
    if "@" in hosts:
        raise ConfigError("a Kafka URL holds no credentials: give sasl.username and sasl.password as Kafka properties")
    problems = []
    if not hosts:
        problems.append("the Kafka URL names no server: kafka://host:9092/topic")
    servers = []
    for text in hosts.split(",") if hosts else []:
        match = _SERVER.fullmatch(text)
        if match is None or not 0 < int(match["port"] or DEFAULT_PORT) < 65536:
            problems.append(f"the Kafka URL's server {text!r} is not host:port")
        else:
            servers.append(f"{match['host']}:{match['port'] or DEFAULT_PORT}")
    problem = check_topic(topic)
    if problem:
        problems.append(problem)
    if problems:
        raise ConfigError(problems)
    return Address(tuple(servers), topic)


def check_topic(topic: str) -> str:
    """What is wrong with a topic's name (its dead letters' topic has 4 characters more); empty when nothing is."""
    if not topic:
        return "the Kafka URL names no topic: kafka://host:9092/topic"
    if topic in {".", ".."} or not _TOPIC.fullmatch(topic):
        return f"the Kafka topic {topic!r} may hold letters, digits, dots, dashes and underscores only"
    if len(topic) > _TOPIC_LENGTH:
        return f"the Kafka topic's name is longer than {_TOPIC_LENGTH} characters"
    return ""
