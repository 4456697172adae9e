"""What pamqp's errors mean: transient or permanent, and what a person may do about it."""

import ssl

from pamqp import exceptions as refusals

from bridge.clients.outage import brief
from bridge.clients.refusal import declaration_refused, entrance_refused
from bridge.errors import BridgeError, ConnectError

BROKEN: tuple[type[Exception], ...] = (OSError, refusals.PAMQPException)
"""What a broken connection raises in normal life; anything else is logged with its traceback."""

TOO_LATE = refusals.AMQPPreconditionFailed
"""What ends a channel that consumes: its acknowledgements did not come within RabbitMQ's `consumer_timeout`."""


def refusal(code: int, text: str) -> Exception:
    """The broker's reason to close a channel or a connection, as pamqp's class of its reply code."""
    kind: type[Exception] = refusals.CLASS_MAPPING.get(code, refusals.AMQPError)
    return kind(text)


def while_connecting(error: Exception, shown: str) -> BridgeError:
    """Why no connection could be made."""
    if isinstance(error, BridgeError):
        return error
    text = brief(error)
    refused = entrance_refused(_code(error), text, shown)
    if refused is not None:
        return refused
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConnectError(f"{shown} has a certificate that cannot be verified: {text}")
    return ConnectError(f"cannot connect to {shown}: {text}")


def while_declaring(error: Exception, shown: str, queue: str, right: str) -> BridgeError:
    """Why queue or binding could not be made. `right` is what the step needs."""
    refused = declaration_refused(_code(error), brief(error), shown, queue, right)
    return refused or while_connecting(error, shown)


def _code(error: Exception) -> int:
    return int(getattr(error, "value", 0)) if isinstance(error, refusals.AMQPError) else 0
