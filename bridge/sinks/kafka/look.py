"""A look at the topics before anything is written, and the true reason when that, or a start, fails."""

import asyncio
import contextlib
from collections.abc import Container, Coroutine, Mapping, Sequence, Set
from typing import Any, TypeVar

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)

from bridge.clients.kafka import Properties, Topics, close_client, create_topics, look_up_topics, true_connect_error
from bridge.errors import ConfigError, CredentialsError

# A producer's start has no end of its own where InitProducerId is refused for now (aiokafka 0.14, sender.py); a broker
# that comes up answers it within one or two.
CONNECT_SECONDS = 10.0
# Topics are made by the controller and known to the brokers a moment later.
_CREATED_SECONDS = 5.0
_CREATED_POLL_SECONDS = 0.1

T = TypeVar("T")


async def look(
    servers: Sequence[str],
    properties: Properties,
    wanted: Mapping[str, int],
    *,
    create: bool,
    own: Mapping[str, Mapping[str, str]] | None = None,
) -> Topics:
    """
    Look at the topics; all of them are there when it returns.

    Args:
        wanted: the topics, and with how many partitions to create those that are missing.
        create: whether to create them.
        own: those of them that are ours, which are created in any case, and with these settings.

    Raises:
        ConnectError, CredentialsError: the cluster cannot be reached, or not by us; says why.
        ConfigError: a topic is missing, or cannot be created.
    """
    looking = _topics(servers, properties, wanted, wanted if create else own or {}, own or {})
    topics = await explained(looking, servers, properties)
    _check_rights(topics)
    if topics.missing:
        names = ", ".join(topics.missing)
        raise ConfigError(f"these Kafka topics are missing: {names} (create them, or use --create-topics)")
    return topics


async def find(servers: Sequence[str], properties: Properties, names: Sequence[str]) -> Topics:
    """
    What can be seen of these topics, also that they are missing; nothing is created.

    Raises:
        ConnectError, CredentialsError: as `look`.
    """
    topics = await explained(_topics(servers, properties, dict.fromkeys(names, 1), (), {}), servers, properties)
    _check_rights(topics)
    return topics


def _check_rights(topics: Topics) -> None:
    if topics.denied:
        names = ", ".join(topics.denied)
        raise CredentialsError(f"our user may not see the Kafka topics {names} (they need Describe and Write)")


async def _topics(
    servers: Sequence[str],
    properties: Properties,
    wanted: Mapping[str, int],
    may_create: Container[str],
    settings: Mapping[str, Mapping[str, str]],
) -> Topics:
    client = AIOKafkaClient(bootstrap_servers=list(servers), **properties.client)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await client.bootstrap()
            topics = await look_up_topics(client, list(wanted))
            making = {name: wanted[name] for name in topics.missing if name in may_create}
            if making:
                await create_topics(client, making, settings)
                topics = await _created(client, list(wanted), making.keys())
            return topics
    finally:
        await close_client(client)


async def _created(client: AIOKafkaClient, names: Sequence[str], made: Set[str]) -> Topics:
    """All topics, once those that were just made can be seen; or what can be seen of them when that takes too long."""
    topics = await look_up_topics(client, names)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_CREATED_SECONDS):
            while not made.isdisjoint(topics.missing):
                await asyncio.sleep(_CREATED_POLL_SECONDS)
                topics = await look_up_topics(client, names)
    return topics


async def explained(attempt: Coroutine[Any, Any, T], servers: Sequence[str], properties: Properties) -> T:
    """
    The attempt's result, or the true reason of its failure.

    Raises:
        ConnectError, CredentialsError: with that reason.
    """
    try:
        return await attempt
    except ClusterAuthorizationFailedError as error:
        hint = "before Kafka 3.0 a producer needs IdempotentWrite on the cluster"
        raise CredentialsError(f"Kafka does not let our user write ({hint})") from error
    except TopicAuthorizationFailedError as error:
        raise CredentialsError(f"Kafka does not let our user use the topic {error}".rstrip()) from error
    except TransactionalIdAuthorizationFailed as error:
        hint = "it needs Describe and Write on it"
        raise CredentialsError(f"Kafka does not let our user use its transactional id ({hint})") from error
    except (KafkaError, OSError, TimeoutError) as error:
        raise await true_connect_error(servers, properties, error) from error
