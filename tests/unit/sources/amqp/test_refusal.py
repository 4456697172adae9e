"""bridge.sources.amqp.refusal"""

import ssl

import pytest
from pamqp import exceptions as refusals

from bridge.errors import BridgeError, ConfigError, ConnectError, CredentialsError
from bridge.sources.amqp.refusal import refusal, while_connecting, while_declaring

SHOWN = "amqp://h:5672//"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError(111, "Connection refused"), ConnectError),
        (TimeoutError(), ConnectError),
        (refusal(403, "ACCESS_REFUSED - Login was refused"), CredentialsError),
        (refusal(530, "NOT_ALLOWED - access to vhost 'x' refused for user 'u'"), CredentialsError),
        (refusal(530, "NOT_ALLOWED - vhost x not found"), ConnectError),
        (refusal(320, "CONNECTION_FORCED"), ConnectError),
        (refusal(999, "unheard of"), ConnectError),
        (refusals.UnmarshalingException("x", "y"), ConnectError),
        (ssl.SSLCertVerificationError("self-signed"), ConnectError),
        (ConfigError("ours"), ConfigError),
    ],
)
def test_why_no_connection_could_be_made(error: Exception, kind: type[BridgeError]) -> None:
    """Waiting may help, credentials may be rotated in, or it can never work."""
    found = while_connecting(error, SHOWN)
    assert type(found) is kind
    if not isinstance(error, BridgeError):
        assert SHOWN in str(found)


def test_a_reply_code_has_its_class() -> None:
    """As pamqp knows them; the broker's words are kept."""
    assert type(refusal(404, "x")) is refusals.AMQPNotFound
    assert str(refusal(404, "NOT_FOUND - no queue")) == "NOT_FOUND - no queue"


def test_a_refused_declaration_says_what_to_do() -> None:
    """Other arguments are a configuration error, a missing right is named, a lost connection is one."""
    other = refusal(406, "PRECONDITION_FAILED - inequivalent arg 'x-max-length-bytes' for queue 'q'")
    assert "--queue-arg" in str(while_declaring(other, SHOWN, "q", "configure the queue q"))
    missing = while_declaring(refusal(403, "ACCESS_REFUSED"), SHOWN, "q", "configure the queue q")
    assert isinstance(missing, CredentialsError)
    assert "right to configure the queue q" in str(missing)
    assert isinstance(while_declaring(ConnectionResetError(), SHOWN, "q", ""), ConnectError)
