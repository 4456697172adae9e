"""What a broker's refusal means: transient or permanent, and what a person may do about it."""

import ssl

import amqp.exceptions
import redis.exceptions
from kombu.exceptions import KombuError

from bridge.clients.outage import brief
from bridge.clients.refusal import declaration_refused, entrance_refused
from bridge.errors import BridgeError, ConfigError, ConnectError, CredentialsError

BROKEN: tuple[type[Exception], ...] = (OSError, amqp.exceptions.AMQPError, redis.exceptions.RedisError, KombuError)
"""What a broken connection raises in normal life; anything else is logged with its traceback."""


def while_connecting(error: Exception, shown: str) -> BridgeError:
    """Why no connection could be made."""
    text = brief(error)
    if isinstance(error, BridgeError):
        return error
    if isinstance(error, amqp.exceptions.AMQPError):
        refused = entrance_refused(error.code, text, shown)
        if refused is not None:
            return refused
    if _is_redis_refusal(error):
        return CredentialsError(f"{shown} refused the login: {text}")
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConnectError(f"{shown} has a certificate that cannot be verified: {text}")
    if isinstance(error, ImportError):
        return ConfigError(f"{shown}: its library is not installed ({error})")
    return ConnectError(f"cannot connect to {shown}: {text}")


def while_declaring(error: Exception, shown: str, queue: str, right: str) -> BridgeError:
    """Why queue or binding could not be made. `right` is what the step needs."""
    if isinstance(error, amqp.exceptions.AMQPError):
        refused = declaration_refused(error.code, brief(error), shown, queue, right)
        if refused is not None:
            return refused
    return while_connecting(error, shown)


def _is_redis_refusal(error: Exception) -> bool:
    refusals = (redis.exceptions.AuthenticationError, redis.exceptions.NoPermissionError)
    words = ("NOAUTH", "WRONGPASS", "NOPERM", "AUTH ", "invalid username-password", "invalid password")
    return isinstance(error, refusals) or (
        isinstance(error, redis.exceptions.ResponseError) and any(word in str(error) for word in words)
    )
