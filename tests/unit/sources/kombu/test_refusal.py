"""bridge.sources.kombu.refusal"""

import ssl

import amqp.exceptions
import pytest
import redis.exceptions

from bridge.errors import BridgeError, ConfigError, ConnectError, CredentialsError
from bridge.sources.kombu.refusal import while_connecting, while_declaring

SHOWN = "amqp://h:5672//"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError(111, "Connection refused"), ConnectError),
        (TimeoutError(), ConnectError),
        (amqp.exceptions.AccessRefused("Login was refused", (10, 40)), CredentialsError),
        (amqp.exceptions.NotAllowed("access to vhost 'x' refused for user 'u'"), CredentialsError),
        (amqp.exceptions.NotAllowed("vhost x not found"), ConnectError),
        (redis.exceptions.AuthenticationError("invalid username-password pair"), CredentialsError),
        (redis.exceptions.ResponseError("NOAUTH Authentication required."), CredentialsError),
        (redis.exceptions.NoPermissionError("NOPERM no permission"), CredentialsError),
        (redis.exceptions.ResponseError("LOADING"), ConnectError),
        (redis.exceptions.ConnectionError("Connection refused"), ConnectError),
        (ssl.SSLCertVerificationError("self-signed"), ConnectError),
        (ImportError("no pymongo"), ConfigError),
        (AttributeError("py-amqp in trouble"), ConnectError),
        (ConfigError("ours"), ConfigError),
    ],
)
def test_why_no_connection_could_be_made(error: Exception, kind: type[BridgeError]) -> None:
    """Waiting may help, credentials may be rotated in, or it can never work."""
    found = while_connecting(error, SHOWN)
    assert type(found) is kind
    if not isinstance(error, BridgeError):
        assert SHOWN in str(found)


def test_a_queue_with_other_arguments_says_what_to_do() -> None:
    """Both values, in the broker's words, and every remedy."""
    said = "inequivalent arg 'x-queue-type' for queue 'q' in vhost '/': received 'quorum' but current is 'classic'"
    found = while_declaring(amqp.exceptions.PreconditionFailed(said), SHOWN, "q", "configure the queue q")
    assert isinstance(found, ConfigError)
    for part in (said, "forget", "--group", "--queue-arg"):
        assert part in str(found)


def test_another_precondition_is_a_configuration_error_too() -> None:
    """Such as an argument that this type of queue does not take."""
    found = while_declaring(amqp.exceptions.PreconditionFailed("invalid arg 'x-foo'"), SHOWN, "q", "")
    assert isinstance(found, ConfigError)
    assert "invalid arg 'x-foo'" in str(found)


def test_a_missing_right_is_named() -> None:
    """What to grant, and on what."""
    found = while_declaring(amqp.exceptions.AccessRefused("refused"), SHOWN, "q", "configure the queue q")
    assert isinstance(found, CredentialsError)
    assert "right to configure the queue q" in str(found)
