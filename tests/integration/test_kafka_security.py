"""Credentials and certificates: a connection is what it says, and a refusal says why."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.errors import BridgeError, ConnectError, CredentialsError
from bridge.sinks.kafka import KafkaSink
from tests.integration.sending import dead_letter, numbered, write
from tests.running import run
from tests.servers.fixtures import start_kafka
from tests.servers.kafka import KafkaServer
from tests.servers.tls import certificates, secured
from tests.topics import make_topics, new_topic_name, read_topic

pytestmark = pytest.mark.servers("secure_kafka")

PASSWORD = "correct-horse-battery"
PLAIN = {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN", "sasl.username": "bob", "sasl.password": PASSWORD}
SCRAM = {**PLAIN, "sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "ann"}

Attempt = Callable[..., BridgeError]


class Secure:
    """A broker with a SASL_SSL listener, one that wants certificates (mutual TLS), and the certificates' folder."""

    def __init__(self, server: KafkaServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.ca = {"ssl.ca.location": str(folder / "ca.pem")}

    def sink(self, listener: str, topic: str, properties: dict[str, str]) -> KafkaSink:
        """A sink that connects through a listener and does not wait."""
        address = self.server.address(listener)
        return KafkaSink([address], topic, dead_letter=dead_letter, properties=properties, fail_fast=True)

    def refusal(self, listener: str, properties: dict[str, str]) -> BridgeError:
        """The error of connecting."""

        async def attempt() -> BridgeError:
            with pytest.raises(BridgeError) as caught:
                async with self.sink(listener, new_topic_name(), properties):
                    pytest.fail("connected")
            return caught.value

        return run(attempt(), seconds=60)


@pytest.fixture(scope="session")
def secure_kafka(tmp_path_factory: pytest.TempPathFactory, leftovers_swept: None) -> Iterator[Secure]:
    """One for all tests of this file: they change nothing of it."""
    folder = certificates(tmp_path_factory.mktemp("tls"))
    settings = {
        **secured("AUTH", folder, {"bob": PASSWORD, "eve": PASSWORD}),
        **secured("MUTUAL", folder),
        "listener.name.mutual.ssl.client.auth": "required",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS;User:bob;User:ann;User:CN=node",  # eve may log in, and nothing else
    }
    listeners = {"AUTH": "SASL_SSL", "MUTUAL": "SSL"}
    with start_kafka(listeners=listeners, settings=settings, scram={"ann": PASSWORD}) as server:
        yield Secure(server, folder)


@pytest.mark.parametrize("properties", [PLAIN, SCRAM], ids=["plain", "scram"])
def test_right_credentials_over_tls_write(secure_kafka: Secure, properties: dict[str, str]) -> None:
    """SASL over TLS with the right password and authority works, PLAIN and SCRAM."""

    async def check() -> None:
        topic = new_topic_name()
        await make_topics(secure_kafka.server.bootstrap, topic)
        async with secure_kafka.sink("AUTH", topic, {**properties, **secure_kafka.ca}) as sink:
            await write(sink, numbered(1, 10))

        assert len(await read_topic(secure_kafka.server.bootstrap, topic)) == 10

    run(check(), seconds=60)


def test_certificate_of_ours_opens_a_listener_that_wants_one(secure_kafka: Secure) -> None:
    """Mutual TLS, the key in one file with the certificate as Java's PEM keystore has it, and in two."""

    async def check() -> None:
        folder = secure_kafka.folder
        for own in (
            {"ssl.keystore.location": str(folder / "node.pem")},
            {"ssl.certificate.location": str(folder / "node.crt"), "ssl.key.location": str(folder / "node.key")},
        ):
            topic = new_topic_name()
            await make_topics(secure_kafka.server.bootstrap, topic)
            async with secure_kafka.sink(
                "MUTUAL", topic, {"security.protocol": "SSL", **secure_kafka.ca, **own}
            ) as sink:
                await write(sink, numbered(1, 10))

            assert len(await read_topic(secure_kafka.server.bootstrap, topic)) == 10

    run(check(), seconds=60)


@pytest.mark.parametrize("properties", [PLAIN, SCRAM], ids=["plain", "scram"])
def test_wrong_password_is_a_credentials_error_that_does_not_repeat_it(
    secure_kafka: Secure, properties: dict[str, str]
) -> None:
    """It names the user and the mechanism."""
    error = secure_kafka.refusal("AUTH", {**properties, **secure_kafka.ca, "sasl.password": "guessed"})

    assert isinstance(error, CredentialsError)
    assert f"refused user {properties['sasl.username']} or its password" in str(error)
    assert "guessed" not in str(error)


def test_user_without_rights_is_told_which_topics_and_rights(secure_kafka: Secure) -> None:
    """Who may log in and see nothing learns more than that a topic is missing."""
    error = secure_kafka.refusal("AUTH", {**PLAIN, **secure_kafka.ca, "sasl.username": "eve"})

    assert isinstance(error, CredentialsError)
    assert "may not see the Kafka topics" in str(error)
    assert "Describe and Write" in str(error)


def test_mechanism_that_is_switched_off_is_named(secure_kafka: Secure) -> None:
    """SCRAM-SHA-256 is not among the listener's mechanisms."""
    error = secure_kafka.refusal("AUTH", {**SCRAM, **secure_kafka.ca, "sasl.mechanism": "SCRAM-SHA-256"})

    assert isinstance(error, CredentialsError)
    assert "does not offer the SASL mechanism SCRAM-SHA-256" in str(error)


def test_untrusted_certificate_is_refused_by_us(secure_kafka: Secure) -> None:
    """Without its authority the broker's certificate proves nothing: no credentials are sent."""
    error = secure_kafka.refusal("AUTH", PLAIN)

    assert isinstance(error, ConnectError)
    assert "certificate that is not trusted" in str(error)
    assert "ssl.ca.location" in str(error)


def test_certificate_for_another_host_is_refused_by_us(secure_kafka: Secure) -> None:
    """The certificate is for the address 127.0.0.1; the same broker as `localhost` could be anybody."""
    address = secure_kafka.server.address("AUTH").replace("127.0.0.1", "localhost")
    sink = KafkaSink(
        [address], "topic", dead_letter=dead_letter, properties={**PLAIN, **secure_kafka.ca}, fail_fast=True
    )

    async def attempt() -> None:
        with pytest.raises(ConnectError, match=r"not trusted: Hostname mismatch"):
            async with sink:
                pytest.fail("connected")

    run(attempt(), seconds=60)


def test_plain_text_to_a_tls_listener_gets_a_hint(secure_kafka: Secure) -> None:
    """Kafka only closes the connection; we say what that may mean."""
    error = secure_kafka.refusal("AUTH", {})

    assert isinstance(error, ConnectError)
    assert "does it want TLS or credentials?" in str(error)


def test_tls_to_a_plain_text_listener_gets_a_hint(secure_kafka: Secure) -> None:
    """The other way round."""
    error = secure_kafka.refusal("INTERNAL", {"security.protocol": "SSL", **secure_kafka.ca})

    assert isinstance(error, ConnectError)
    assert "security.protocol is SSL" in str(error)


def test_missing_certificate_of_ours_gets_a_hint(secure_kafka: Secure) -> None:
    """A listener that wants certificates ends the connection after the handshake."""
    error = secure_kafka.refusal("MUTUAL", {"security.protocol": "SSL", **secure_kafka.ca})

    assert isinstance(error, ConnectError)
    assert "a certificate of ours" in str(error)
