"""bridge.clients.refusal"""

import pytest

from bridge.clients.refusal import declaration_refused, entrance_refused
from bridge.errors import BridgeError, ConfigError, ConnectError, CredentialsError

SHOWN = "amqp://h:5672//"


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (403, "Login was refused", CredentialsError),
        (530, "access to vhost 'x' refused for user 'u'", CredentialsError),
        (530, "vhost x not found", ConnectError),
    ],
)
def test_an_entrance_is_refused_for_a_reason(code: int, text: str, kind: type[BridgeError]) -> None:
    """Credentials may be rotated in, a virtual host may be made."""
    found = entrance_refused(code, text, SHOWN)
    assert type(found) is kind
    assert SHOWN in str(found)
    assert text in str(found)


def test_other_codes_say_nothing() -> None:
    """What is no refusal of ours is somebody else's to explain."""
    assert entrance_refused(320, "shutdown", SHOWN) is None
    assert declaration_refused(320, "shutdown", SHOWN, "q", "") is None


def test_a_queue_with_other_arguments_says_what_to_do() -> None:
    """Both values, in the broker's words, and every remedy."""
    said = "inequivalent arg 'x-queue-type' for queue 'q' in vhost '/': received 'quorum' but current is 'classic'"
    found = declaration_refused(406, said, SHOWN, "q", "configure the queue q")
    assert isinstance(found, ConfigError)
    for part in (said, "forget", "--group", "--queue-arg"):
        assert part in str(found)


def test_another_precondition_is_a_configuration_error_too() -> None:
    """Such as an argument that this type of queue does not take."""
    found = declaration_refused(406, "invalid arg 'x-foo'", SHOWN, "q", "")
    assert isinstance(found, ConfigError)
    assert "invalid arg 'x-foo'" in str(found)


def test_a_missing_right_is_named() -> None:
    """What to grant, and on what."""
    found = declaration_refused(403, "refused", SHOWN, "q", "configure the queue q")
    assert isinstance(found, CredentialsError)
    assert "right to configure the queue q" in str(found)
