"""Kafka client properties, as Java and librdkafka spell them, turned into aiokafka's arguments."""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from bridge.clients.kafka.tls import tls_context
from bridge.errors import ConfigError

# Java's default. Past it a connection that does not answer is given up. A batch is not (aiokafka tries it again for
# ever), except while its partition has no leader: the longer this is, the rarer a rebuild, which may repeat records.
REQUEST_TIMEOUT_MS = 30_000
# Half of the broker's default limit for a batch (1,048,588 bytes, as compressed): any smaller topic limit is noticed at
# connecting. Measured with 550 bytes and 5 headers a record: 5.5 us of CPU at 64 KiB, 4.1 at 256, 3.7 at 512 and 1,000.
BATCH_BYTES = 512 * 1024
REQUEST_BYTES = 1024 * 1024  # Java's default of max.request.size: the largest record, before compression


@dataclass(frozen=True, slots=True)
class Properties:
    """Arguments for aiokafka. Not shown by repr: they hold passwords."""

    client: Mapping[str, Any] = field(repr=False)
    """For AIOKafkaClient, AIOKafkaProducer and AIOKafkaConsumer alike, without `bootstrap_servers`."""
    compression: str | None
    """zstd, lz4, snappy, gzip or None."""
    batch_bytes: int
    """How large a batch may become before compression, but for a single larger record."""
    request_bytes: int
    """How large a record may be before compression."""
    linger_ms: int


def _text(value: str) -> str:
    if not value:
        raise ValueError("is empty")
    return value


def _number(low: int, high: int = 2**31 - 1) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", value.strip()) or not low <= int(value) <= high:
            raise ValueError(f"is not a whole number from {low} to {high}")
        return int(value)

    return parse


def _choice(*choices: str) -> Callable[[str], str]:
    """One of `choices`, in any case; gives it back as spelt in `choices`."""
    spelt = {choice.lower(): choice for choice in choices}

    def parse(value: str) -> str:
        if value.strip().lower() not in spelt:
            raise ValueError(f"is none of {', '.join(choices)}")
        return spelt[value.strip().lower()]

    return parse


def _only(reason: str, *allowed: str) -> Callable[[str], None]:
    """A property that may be said, but not changed."""

    def parse(value: str) -> None:
        if value.strip().lower() not in allowed:
            raise ValueError(f"cannot be changed: {reason}")

    return parse


_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "GSSAPI")
_LASTING = "every record is written to all in-sync replicas, and once, before its event is acknowledged"
_WAITS = "what Kafka has not confirmed is tried again until it does"
_ORDER = "records of one key stay in order: one batch per partition is under way at a time"
_VERIFIED = "TLS means that the certificate's chain and host name are verified"
_PEM = "certificates are read from PEM files (convert a keystore with keytool and openssl)"

# Property -> (our name, parser). Several properties may share a name: two spellings of one thing.
_KEYS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "client.id": ("client_id", _text),
    "request.timeout.ms": ("request_timeout_ms", _number(1000)),
    "retry.backoff.ms": ("retry_backoff_ms", _number(1)),
    "metadata.max.age.ms": ("metadata_max_age_ms", _number(1000)),
    "topic.metadata.refresh.interval.ms": ("metadata_max_age_ms", _number(1000)),
    "connections.max.idle.ms": ("connections_max_idle_ms", _number(1000)),
    "security.protocol": ("security_protocol", _choice("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")),
    "sasl.mechanism": ("sasl_mechanism", _choice(*_MECHANISMS)),
    "sasl.mechanisms": ("sasl_mechanism", _choice(*_MECHANISMS)),
    "sasl.username": ("sasl_plain_username", _text),
    "sasl.password": ("sasl_plain_password", _text),
    "sasl.kerberos.service.name": ("sasl_kerberos_service_name", _text),
    "ssl.ca.location": ("ssl_ca", _text),
    "ssl.truststore.location": ("ssl_ca", _text),
    "ssl.ca.pem": ("ssl_ca_text", _text),
    "ssl.truststore.certificates": ("ssl_ca_text", _text),
    "ssl.certificate.location": ("ssl_certificate", _text),
    "ssl.keystore.location": ("ssl_certificate", _text),
    "ssl.key.location": ("ssl_key", _text),
    "ssl.key.password": ("ssl_key_password", _text),
    "compression.type": ("compression", _choice("none", "gzip", "snappy", "lz4", "zstd")),
    "compression.codec": ("compression", _choice("none", "gzip", "snappy", "lz4", "zstd")),
    "linger.ms": ("linger_ms", _number(0, 900_000)),
    "queue.buffering.max.ms": ("linger_ms", _number(0, 900_000)),
    "batch.size": ("batch_bytes", _number(1024)),
    "max.request.size": ("request_bytes", _number(1024)),
    "message.max.bytes": ("request_bytes", _number(1024)),
    "sasl.jaas.config": ("jaas", _text),
    "acks": ("", _only(_LASTING, "all", "-1")),
    "request.required.acks": ("", _only(_LASTING, "all", "-1")),
    "enable.idempotence": ("", _only(_LASTING, "true")),
    "transactional.id": ("", _only("the bridge names its own")),
    "retries": ("", _only(_WAITS, str(2**31 - 1))),
    "message.send.max.retries": ("", _only(_WAITS, str(2**31 - 1))),
    "delivery.timeout.ms": ("", _only(_WAITS)),
    "message.timeout.ms": ("", _only(_WAITS, "0")),
    "max.in.flight.requests.per.connection": ("", _only(_ORDER, "1")),
    "max.in.flight": ("", _only(_ORDER, "1")),
    "partitioner": ("", _only("the partition is Java's murmur2 of the key", "murmur2", "murmur2_random")),
    "partitioner.class": ("", _only("the partition is Java's murmur2 of the key")),
    "key.serializer": ("", _only("keys are bytes")),
    "value.serializer": ("", _only("values are bytes")),
    "bootstrap.servers": ("", _only("the servers are in the URL")),
    "metadata.broker.list": ("", _only("the servers are in the URL")),
    "ssl.endpoint.identification.algorithm": ("", _only(_VERIFIED, "https")),
    "enable.ssl.certificate.verification": ("", _only(_VERIFIED, "true")),
    "ssl.truststore.type": ("", _only(_PEM, "pem")),
    "ssl.keystore.type": ("", _only(_PEM, "pem")),
}

_JAAS = re.compile(
    r"\s*org\.apache\.kafka\.common\.security\.(?:plain\.Plain|scram\.Scram)LoginModule\s+required\s+(.*)"
)
_JAAS_OPTION = re.compile(r"""(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))""")


def parse_properties(properties: Mapping[str, str]) -> Properties:
    """
    Translate what the user gave. Reads the files of certificates that it names.

    Raises:
        ConfigError: every problem: an unknown name (with the nearest known one), a wrong value, one that must not be
            changed (with the reason), two spellings that disagree, credentials or certificates that the protocol would
            not use, a file that cannot be read. No value of a property is repeated in the text: some are secrets.
    """
    problems: list[str] = []
    given = _read(properties, problems)
    _apply_jaas(given, problems)
    protocol = given.get("security_protocol", "PLAINTEXT")
    _check_security(protocol, given, problems)
    context = None
    if protocol.endswith("SSL"):
        context = tls_context(given, problems)
    if problems:
        raise ConfigError(problems)
    client = {
        "client_id": "celery-bridge",
        "request_timeout_ms": REQUEST_TIMEOUT_MS,
        **{name: value for name, value in given.items() if name in _CLIENT},
        "security_protocol": protocol,
        "ssl_context": context,
    }
    compression = given.get("compression", "zstd")
    request_bytes = given.get("request_bytes", REQUEST_BYTES)
    return Properties(
        client=client,
        compression=None if compression == "none" else compression,
        batch_bytes=min(given.get("batch_bytes", BATCH_BYTES), request_bytes),
        request_bytes=request_bytes,
        linger_ms=given.get("linger_ms", 0),
    )


_CLIENT = {
    "client_id",
    "request_timeout_ms",
    "retry_backoff_ms",
    "metadata_max_age_ms",
    "connections_max_idle_ms",
    "sasl_mechanism",
    "sasl_plain_username",
    "sasl_plain_password",
    "sasl_kerberos_service_name",
}


def _read(properties: Mapping[str, str], problems: list[str]) -> dict[str, Any]:
    """Our name -> value of all that could be read."""
    given: dict[str, Any] = {}
    for key, text in properties.items():
        if key not in _KEYS:
            near = difflib.get_close_matches(key, _KEYS, n=1, cutoff=0.6)
            hint = f"; did you mean {near[0]}?" if near else ""
            problems.append(f"unknown Kafka property {key}{hint}")
            continue
        name, parse = _KEYS[key]
        try:
            value = parse(text)
        except ValueError as error:
            problems.append(f"Kafka property {key} {error}")
            continue
        if name and given.setdefault(name, value) != value:
            problems.append(f"Kafka property {key} is given again, in another spelling and with another value")
    return given


def _apply_jaas(given: dict[str, Any], problems: list[str]) -> None:
    """Take user and password out of Java's `...LoginModule required username="..." password="...";`."""
    text = given.pop("jaas", None)
    if text is None:
        return
    match = _JAAS.fullmatch(text)
    options = {name: quoted or bare for name, quoted, bare in _JAAS_OPTION.findall(match[1])} if match else {}
    if not options.get("username") or not options.get("password"):
        problems.append(
            "Kafka property sasl.jaas.config is no PlainLoginModule or ScramLoginModule with both credentials"
        )
        return
    for option, name in (("username", "sasl_plain_username"), ("password", "sasl_plain_password")):
        value = re.sub(r"\\(.)", r"\1", options[option])
        if given.setdefault(name, value) != value:
            problems.append(f"Kafka property sasl.{option} says other than sasl.jaas.config")


def _check_security(protocol: str, given: Mapping[str, Any], problems: list[str]) -> None:
    """What is given must be used: credentials or a CA that are ignored mean a connection that is not what it seems."""
    sasl = sorted(name for name in given if name.startswith("sasl_"))
    if sasl and not protocol.startswith("SASL"):
        problems.append(f"Kafka property sasl.* is given, but security.protocol is {protocol}: say SASL_SSL")
    if any(name.startswith("ssl_") for name in given) and not protocol.endswith("SSL"):
        problems.append(f"Kafka property ssl.* is given, but security.protocol is {protocol}: say SSL or SASL_SSL")
    if not protocol.startswith("SASL"):
        return
    mechanism = given.get("sasl_mechanism")
    if mechanism is None:
        problems.append(f"security.protocol {protocol} needs the Kafka property sasl.mechanism")
    elif mechanism == "GSSAPI" and find_spec("gssapi") is None:
        problems.append("sasl.mechanism GSSAPI needs the Python package gssapi, which is not installed")
    elif mechanism != "GSSAPI":
        for option, name in (("username", "sasl_plain_username"), ("password", "sasl_plain_password")):
            if name not in given:
                problems.append(f"sasl.mechanism {mechanism} needs the Kafka property sasl.{option}")
