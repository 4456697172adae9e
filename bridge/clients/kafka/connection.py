"""Connections to Kafka: why one could not be made, said truly, and an end to each within a bounded time."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Sequence
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    ClusterAuthorizationFailedError,
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from bridge.clients.kafka.properties import Properties
from bridge.errors import ConnectError, CredentialsError

PROBE_SECONDS = 5.0  # per server: a TLS and SASL handshake on another continent takes one
CLOSE_SECONDS = 1.0  # for what is in the send buffers; a host that is gone takes nothing any more

_REFUSED = (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    ClusterAuthorizationFailedError,
    IllegalSaslStateError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)


async def true_connect_error(
    servers: Sequence[str], properties: Properties, seen: BaseException | None = None
) -> ConnectError | CredentialsError:
    """
    Find out why a client could not connect, by connecting to every server (and to the brokers they name) once more.

    aiokafka 0.14 raises the same `KafkaConnectionError: Unable to bootstrap` for a wrong password, an untrusted
    certificate and a closed port alike (client.py, `bootstrap`); `create_conn` raises the truth.

    Args:
        seen: the error that made somebody ask.

    Returns:
        The first refusal of our credentials if there is one, else what is wrong with each server. When all of them
        answer now, a ConnectError that says so, and what was seen before.
    """
    found: list[str] = []
    brokers: dict[str, str] = {}
    for host, port, _ in collect_hosts(list(servers), randomize=False):
        server = _name(host, port)
        try:
            for broker in await _ask(host, port, properties):
                brokers.setdefault(_name(*broker), server)
        except _REFUSED as error:
            return _refusal(server, error, properties)
        except (OSError, KafkaError) as error:
            found.append(f"{server} {_reason(error, properties)}")
    if not found:
        found = [text for broker, teller in brokers.items() if (text := await _unreachable(broker, teller, properties))]
    if not found:
        before = f", after {type(seen).__name__} {seen}".rstrip() if seen is not None else ""
        found = [f"{', '.join(servers)} answered when asked again{before}"]
    return ConnectError("; ".join(found))


async def named_brokers(servers: Sequence[str], properties: Properties) -> set[tuple[str, int]]:
    """Host and port of each broker that the first server which answers names; none when no server does."""
    for host, port, _ in collect_hosts(list(servers), randomize=False):
        with contextlib.suppress(OSError, KafkaError):
            return set(await _ask(host, port, properties))
    return set()


async def close_client(client: AIOKafkaClient) -> None:
    """
    Close a client and its connections, within 2 x CLOSE_SECONDS even when its servers hang. Raises nothing.

    `AIOKafkaClient.close` waits until each connection has sent what it buffered, which a frozen server never lets it.
    """
    writers = [connection._writer for connection in client._conns.values() if connection._writer is not None]
    with contextlib.suppress(Exception):
        async with asyncio.timeout(CLOSE_SECONDS):
            await client.close()
    for writer in writers:
        writer.transport.abort()
    waiting = client._md_update_fut
    if waiting is not None and not waiting.done():
        waiting.cancel()  # whoever waits for metadata of this client would do so for ever


async def _ask(host: str, port: int, properties: Properties) -> list[tuple[str, int]]:
    """Connect, authenticate and ask for the brokers: a listener that wants credentials closes only at that request."""
    arguments = {**properties.client, "request_timeout_ms": int(PROBE_SECONDS * 1000)}
    arguments.pop("retry_backoff_ms", None)
    arguments.pop("metadata_max_age_ms", None)
    arguments["max_idle_ms"] = arguments.pop("connections_max_idle_ms", None)
    async with asyncio.timeout(2 * PROBE_SECONDS):
        connection = await create_conn(host, port, **arguments)
        try:
            metadata: Any = await connection.send(MetadataRequest([], allow_auto_topic_creation=False))
        finally:
            writer, closed = connection._writer, connection.close()
            if writer is not None:
                await asyncio.wait([closed], timeout=CLOSE_SECONDS)
                writer.transport.abort()
    return [(broker[1], broker[2]) for broker in metadata.brokers]


async def _unreachable(broker: str, teller: str, properties: Properties) -> str:
    """What is wrong with a broker that another server named; empty when nothing is."""
    ((host, port, _),) = collect_hosts([broker], randomize=False)
    try:
        await _ask(host, port, properties)
    except (OSError, KafkaError) as error:
        reason = _reason(error, properties)
        return f"{teller} names the broker {broker} (its advertised.listeners), which {reason}"
    return ""


def _refusal(server: str, error: KafkaError, properties: Properties) -> CredentialsError:
    mechanism = properties.client.get("sasl_mechanism")
    user = properties.client.get("sasl_plain_username")
    if isinstance(error, UnsupportedSaslMechanismError):
        return CredentialsError(f"{server} does not offer the SASL mechanism {mechanism}")
    if isinstance(error, ClusterAuthorizationFailedError):
        return CredentialsError(f"{server} does not let user {user} use the cluster")
    return CredentialsError(f"{server} refused user {user} or its password ({mechanism})")


def _reason(error: BaseException, properties: Properties) -> str:
    """What is wrong with a server, to be read after its name, with a hint at what to change."""
    protocol = properties.client["security_protocol"]
    cause = error.__cause__
    if isinstance(error, KafkaError) and isinstance(cause, ssl.SSLError):
        error = cause
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"shows a certificate that is not trusted: {error.verify_message} (ssl.ca.location names the authority)"
    if isinstance(error, ssl.SSLError):
        if "CERTIFICATE" in (error.reason or ""):
            return "wants a certificate of ours (ssl.certificate.location)"
        return f"does not speak TLS as we do ({error.reason}); security.protocol is {protocol}"
    if isinstance(error, TimeoutError):
        return "does not answer"
    if isinstance(error, ConnectionRefusedError):
        return "refuses connections"
    if isinstance(error, socket.gaierror):
        return "has no address: its host name is not known"
    if isinstance(error, ConnectionError | KafkaError):
        hint = "a certificate of ours, or no TLS at all" if protocol.endswith("SSL") else "TLS or credentials"
        return f"closes the connection; does it want {hint}? (security.protocol is {protocol})"
    # asyncio joins the errors of several addresses into one OSError without a number
    return f"cannot be reached: {getattr(error, 'strerror', None) or error}"


def _name(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
