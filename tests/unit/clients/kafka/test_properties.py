"""Unit tests of bridge.clients.kafka.properties."""

import ssl
from pathlib import Path

import pytest

from bridge.clients.kafka import parse_properties
from bridge.errors import ConfigError
from tests.servers.tls import certificates

SASL = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN"}


def problems(properties: dict[str, str]) -> tuple[str, ...]:
    """What parsing complains of."""
    with pytest.raises(ConfigError) as caught:
        parse_properties(properties)
    return caught.value.problems


def test_nothing_given_means_the_defaults_that_the_promise_needs() -> None:
    """zstd, half a MiB a batch, a MiB a record, no TLS, our name."""
    found = parse_properties({})
    assert (found.compression, found.batch_bytes, found.request_bytes, found.linger_ms) == ("zstd", 524288, 1048576, 0)
    assert found.client["client_id"] == "celery-bridge"
    assert found.client["security_protocol"] == "PLAINTEXT"
    assert found.client["ssl_context"] is None


@pytest.mark.parametrize(
    ("java", "librdkafka", "value"),
    [
        ("compression.type", "compression.codec", "lz4"),
        ("linger.ms", "queue.buffering.max.ms", "5"),
        ("max.request.size", "message.max.bytes", "2000000"),
        ("metadata.max.age.ms", "topic.metadata.refresh.interval.ms", "2000"),
    ],
)
def test_both_spellings_mean_the_same(java: str, librdkafka: str, value: str) -> None:
    """Java's and librdkafka's names, also both at once when they agree."""
    assert parse_properties({java: value}) == parse_properties({librdkafka: value})
    assert parse_properties({java: value}) == parse_properties({java: value, librdkafka: value})


def test_values_become_arguments_of_aiokafka() -> None:
    """Numbers are numbers, none is no compression, a batch is no larger than a record may be."""
    found = parse_properties(
        {"compression.type": "none", "request.timeout.ms": "5000", "client.id": "me", "max.request.size": "4096"}
    )
    assert found.compression is None
    assert found.client["request_timeout_ms"] == 5000
    assert found.client["client_id"] == "me"
    assert (found.batch_bytes, found.request_bytes) == (4096, 4096)


def test_unknown_property_is_refused_with_the_nearest_name() -> None:
    """A typing error never becomes a default."""
    assert problems({"compresion.type": "zstd"}) == (
        "unknown Kafka property compresion.type; did you mean compression.type?",
    )
    assert problems({"zzz": "1"}) == ("unknown Kafka property zzz",)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("acks", "1", "all in-sync replicas"),
        ("request.required.acks", "0", "all in-sync replicas"),
        ("enable.idempotence", "false", "once"),
        ("transactional.id", "mine", "names its own"),
        ("delivery.timeout.ms", "1000", "tried again"),
        ("retries", "3", "tried again"),
        ("max.in.flight.requests.per.connection", "5", "stay in order"),
        ("partitioner.class", "org.Mine", "murmur2"),
        ("bootstrap.servers", "h:1", "in the URL"),
        ("ssl.endpoint.identification.algorithm", "", "host name are verified"),
        ("enable.ssl.certificate.verification", "false", "host name are verified"),
        ("ssl.keystore.type", "JKS", "PEM"),
    ],
)
def test_what_would_break_a_promise_cannot_be_set(key: str, value: str, reason: str) -> None:
    """The refusal says which promise."""
    (problem,) = problems({key: value})
    assert problem.startswith(f"Kafka property {key} cannot be changed")
    assert reason in problem


def test_what_is_so_anyway_may_be_said() -> None:
    """A file made for Java's producer works when it asks for what we do."""
    same = {"acks": "all", "enable.idempotence": "true", "ssl.endpoint.identification.algorithm": "https"}
    assert parse_properties(same) == parse_properties({})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("linger.ms", "-1"),
        ("linger.ms", "soon"),
        ("batch.size", "1e3"),
        ("request.timeout.ms", "10"),
        ("client.id", ""),
    ],
)
def test_wrong_value_is_named_by_its_property(key: str, value: str) -> None:
    """The value is not repeated: some are secrets."""
    (problem,) = problems({key: value})
    assert problem.startswith(f"Kafka property {key} is ")


def test_every_problem_is_told_at_once() -> None:
    """Three wrong properties are three problems."""
    assert len(problems({"acks": "0", "lingerms": "1", "batch.size": "x"})) == 3


def test_spellings_that_disagree_are_refused() -> None:
    """Nobody can know which one is meant."""
    (problem,) = problems({"linger.ms": "1", "queue.buffering.max.ms": "2"})
    assert "another spelling and with another value" in problem


def test_credentials_that_would_not_be_used_are_refused() -> None:
    """A password without SASL, an authority without TLS: the connection is not what its owner believes."""
    assert any("security.protocol is PLAINTEXT" in text for text in problems({"sasl.username": "u"}))
    assert any("say SSL or SASL_SSL" in text for text in problems({**SASL, "ssl.ca.location": "ca.pem"}))


def test_missing_credentials_are_named() -> None:
    """PLAIN needs both, and SASL a mechanism."""
    assert problems(SASL) == (
        "sasl.mechanism PLAIN needs the Kafka property sasl.username",
        "sasl.mechanism PLAIN needs the Kafka property sasl.password",
    )
    assert problems({"security.protocol": "SASL_SSL"}) == (
        "security.protocol SASL_SSL needs the Kafka property sasl.mechanism",
    )


@pytest.mark.parametrize("module", ["plain.Plain", "scram.Scram"])
def test_jaas_configuration_of_java_gives_user_and_password(module: str) -> None:
    """Quoted as Java quotes, backslashes too."""
    jaas = f'org.apache.kafka.common.security.{module}LoginModule required username="bob" password="a\\"b\\\\c;d";'
    found = parse_properties({**SASL, "sasl.jaas.config": jaas})
    assert found.client["sasl_plain_username"] == "bob"
    assert found.client["sasl_plain_password"] == 'a"b\\c;d'


def test_jaas_configuration_that_is_not_understood_is_not_repeated() -> None:
    """It holds a password."""
    found = problems({**SASL, "sasl.jaas.config": 'com.example.Other required password="hidden";'})
    assert any("sasl.jaas.config is no PlainLoginModule" in text for text in found)
    assert "hidden" not in str(found)


def test_no_secret_is_in_an_error_or_in_repr() -> None:
    """Errors and representations go to logs."""
    secret = {**SASL, "sasl.username": "u", "sasl.password": "hidden"}
    assert "hidden" not in repr(parse_properties(secret))
    assert "hidden" not in str(problems({**secret, "acks": "0", "nope": "hidden"}))


def test_tls_verifies_chain_and_host_name(tmp_path: Path) -> None:
    """With the system's authorities, and with one of the user's."""
    ca = str(certificates(tmp_path) / "ca.pem")
    for more in ({}, {"ssl.ca.location": ca}, {"ssl.ca.pem": Path(ca).read_text().replace("\n", "\\n")}):
        context = parse_properties({"security.protocol": "ssl", **more}).client["ssl_context"]
        assert context.check_hostname
        assert context.verify_mode == ssl.CERT_REQUIRED
