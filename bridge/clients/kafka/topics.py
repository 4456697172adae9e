"""Topics: whether they are there, how they are divided, what they take, and making them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    for_code,
)
from aiokafka.protocol.admin import CreateTopicsRequest, DescribeConfigsRequest
from aiokafka.protocol.metadata import MetadataRequest

from bridge.errors import ConfigError, CredentialsError

_NONE, _NOT_AUTHORIZED = 0, 29  # Kafka's error codes
_TOPIC_RESOURCE = 2  # ConfigResource.Type.TOPIC
_LIMIT = "max.message.bytes"
_BROKER_DEFAULT = -1  # since Kafka 2.4 (KIP-464)
_CREATE_MS = 10_000


@dataclass(frozen=True, slots=True)
class Topics:
    """What a cluster said of the topics it was asked for."""

    partitions: Mapping[str, int]
    """Topic -> number of partitions, of those that are there."""
    limits: Mapping[str, int]
    """Topic -> largest batch in bytes (`max.message.bytes`), where we may read it."""
    missing: tuple[str, ...]
    denied: tuple[str, ...]
    """Those our user may not see; they may be there or not."""


async def look_up_topics(client: AIOKafkaClient, names: Sequence[str]) -> Topics:
    """
    Ask for topics by name. Creates none, also where `auto.create.topics.enable` is on: the request says so.

    Raises:
        KafkaError: the cluster cannot be asked.
    """
    request = MetadataRequest(list(names), allow_auto_topic_creation=False)
    response: Any = await client.send(_any_node(client), request)
    partitions: dict[str, int] = {}
    denied: list[str] = []
    for code, name, _, parts in response.topics:
        if code == _NONE and parts:
            partitions[name] = len(parts)
        elif code == _NOT_AUTHORIZED:
            denied.append(name)
    missing = tuple(name for name in names if name not in partitions and name not in denied)
    limits = await _limits(client, list(partitions))
    return Topics(partitions, limits, missing, tuple(denied))


async def create_topics(
    client: AIOKafkaClient, partitions: Mapping[str, int], settings: Mapping[str, Mapping[str, str]] | None = None
) -> None:
    """
    Create topics, name -> number of partitions, with the broker's default replication, and its default settings but
    for those of `settings`, name -> key -> value. One that is there already is left as it is.

    Raises:
        CredentialsError: we may not.
        ConfigError: the cluster refuses, with its reason.
        KafkaError: the cluster cannot be asked.
    """
    settings = settings or {}
    wanted: list[Any] = [
        (name, count, _BROKER_DEFAULT, [], list(settings.get(name, {}).items())) for name, count in partitions.items()
    ]
    controller = client.cluster.controller
    node = controller.nodeId if controller is not None else _any_node(client)
    request = CreateTopicsRequest(wanted, timeout=_CREATE_MS, validate_only=False)
    response: Any = await client.send(node, request)
    for name, code, *rest in response.topic_errors:
        error = for_code(code)
        if code == _NONE or error is TopicAlreadyExistsError:
            continue
        if error in {TopicAuthorizationFailedError, ClusterAuthorizationFailedError}:
            raise CredentialsError(f"our user may not create the Kafka topic {name}")
        if error.retriable:
            raise error
        raise ConfigError(f"Kafka does not create the topic {name}: {(rest and rest[0]) or error.__name__}")


async def _limits(client: AIOKafkaClient, names: list[str]) -> dict[str, int]:
    """Best effort: it needs the right DescribeConfigs, which a producer's user may lack."""
    if not names:
        return {}
    request = DescribeConfigsRequest([(_TOPIC_RESOURCE, name, [_LIMIT]) for name in names])
    try:
        response: Any = await client.send(_any_node(client), request)
    except KafkaError:
        return {}
    limits: dict[str, int] = {}
    for code, _, _, name, entries in response.resources:
        if code == _NONE:
            limits.update((name, int(entry[1])) for entry in entries if entry[0] == _LIMIT and entry[1])
    return limits


def _any_node(client: AIOKafkaClient) -> int | str:
    node: int | None = client.get_random_node()
    # Before the first metadata with brokers there is only the connection that aiokafka bootstrapped with.
    return "bootstrap" if node is None else node
