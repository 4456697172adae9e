"""What a Redis server's refusal means: transient or permanent, and what a person may do about it."""

import ssl

import hiredis

from bridge.clients.outage import brief
from bridge.errors import BridgeError, ConnectError, CredentialsError

_REFUSALS = ("NOAUTH", "WRONGPASS", "NOPERM")
"""Error codes of AUTH, HELLO and of a command that the user may not use (redis.io/docs, "ACL")."""

_WORDS = ("invalid password", "invalid username-password", "AUTH")
"""The same before Redis 6."""

_NO_DATABASE = ("DB index", "SELECT is not allowed")
"""Beyond the server's `databases`, or any but 0 of a cluster: nothing but a person mends it."""


def refused(reply: Exception, shown: str, right: str = "") -> BridgeError:
    """
    Why a server said no.

    Args:
        right: what the user needs for the command that was refused.
    """
    text = brief(reply)
    if text.startswith("NOPERM") and right:
        return CredentialsError(f"{shown}: the user needs the right to {right}: {text}")
    if text.startswith(_REFUSALS) or any(word in text for word in _WORDS):
        return CredentialsError(f"{shown} refused the login: {text}")
    if any(words in text for words in _NO_DATABASE):
        return CredentialsError(f"{shown} has no such database: {text}")
    return ConnectError(f"cannot connect to {shown}: {text}")


def while_connecting(error: Exception, shown: str) -> BridgeError:
    """Why no connection could be made."""
    if isinstance(error, BridgeError):
        return error
    if isinstance(error, hiredis.ReplyError):
        return refused(error, shown)
    if isinstance(error, hiredis.ProtocolError):
        return ConnectError(f"cannot connect to {shown}: it does not speak Redis's protocol")
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConnectError(f"{shown} has a certificate that cannot be verified: {brief(error)}")
    return ConnectError(f"cannot connect to {shown}: {brief(error)}")
