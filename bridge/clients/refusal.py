"""What RabbitMQ's reply codes mean: transient or permanent, and what a person may do about it."""

from bridge.errors import BridgeError, ConfigError, ConnectError, CredentialsError

ACCESS_REFUSED, PRECONDITION_FAILED, NOT_ALLOWED = 403, 406, 530  # AMQP 0-9-1, 1.2


def entrance_refused(code: int, text: str, shown: str) -> BridgeError | None:
    """Why a login or a virtual host was refused; None when the code says nothing about that."""
    if code == ACCESS_REFUSED:
        return CredentialsError(f"{shown} refused the login: {text}")
    if code == NOT_ALLOWED:
        # the virtual host is not there (it may be made yet), or this user may not enter it
        kind = CredentialsError if "refused" in text else ConnectError
        return kind(f"{shown} did not let us in: {text}")
    return None


def declaration_refused(code: int, text: str, shown: str, queue: str, right: str) -> BridgeError | None:
    """Why queue or binding could not be made; None when the code says nothing about that. `right`: what it needs."""
    if code == ACCESS_REFUSED:
        return CredentialsError(f"{shown}: the user needs the right to {right}: {text}")
    if code != PRECONDITION_FAILED:
        return None
    if "inequivalent" in text:
        return ConfigError(
            f"{shown}: the queue {queue} exists with other arguments: {text}. Remove it with `celery-bridge forget`"
            " (what it holds is lost), take another --group, or give its arguments with --queue-arg"
        )
    return ConfigError(f"{shown}: the queue {queue} cannot be declared: {text}")
