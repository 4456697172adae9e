"""bridge.sources.redis.refusal"""

import ssl

import hiredis
import pytest

from bridge.errors import ConnectError, CredentialsError
from bridge.sources.redis.refusal import refused, while_connecting


@pytest.mark.parametrize(
    "words",
    [
        "NOAUTH Authentication required.",
        "WRONGPASS invalid username-password pair or user is disabled.",
        "NOPERM User x has no permissions to run the 'psubscribe' command",
        "ERR invalid password",
        "ERR AUTH <password> called without any password configured for the default user.",
        "ERR DB index is out of range",
        "ERR SELECT is not allowed in cluster mode",
    ],
)
def test_what_a_person_must_mend_is_a_credentials_error(words: str) -> None:
    """Login, rights, and a database that is not there; the server's own words are in it."""
    error = while_connecting(hiredis.ReplyError(words), "redis://h")
    assert isinstance(error, CredentialsError)
    assert words in str(error)


def test_a_missing_right_is_named() -> None:
    """So that nobody has to guess which."""
    error = refused(hiredis.ReplyError("NOPERM no access"), "redis://h", "PSUBSCRIBE /0.celeryev/*")
    assert "needs the right to PSUBSCRIBE /0.celeryev/*" in str(error)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (hiredis.ReplyError("ERR max number of clients reached"), "max number"),
        (hiredis.ReplyError("MASTERDOWN Link with MASTER is down"), "MASTERDOWN"),
        (hiredis.ProtocolError("Protocol error, got 'S'"), "does not speak"),
        (ssl.SSLCertVerificationError("self-signed"), "certificate"),
        (ConnectionRefusedError(111, "refused"), "refused"),
        (TimeoutError(), "no answer in time"),
    ],
)
def test_what_may_pass_is_a_connect_error(error: Exception, words: str) -> None:
    """Full, loading, not there, not Redis."""
    told = while_connecting(error, "redis://h")
    assert isinstance(told, ConnectError)
    assert words in str(told)


def test_our_own_errors_are_kept() -> None:
    """They say already what they mean."""
    error = ConnectError("x")
    assert while_connecting(error, "redis://h") is error
