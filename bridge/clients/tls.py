"""TLS to a broker, as the parameters of its URL ask for it: chain and host name are verified, always."""

import ssl
from collections.abc import Callable, Mapping
from pathlib import Path

from bridge.clients.place import parameter
from bridge.errors import ConfigError, ConnectError

FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
"""Parameters that name PEM files: the broker's authority, our certificate, its key. The names are redis-py's and
kombu's."""

_SWITCHES = (("ssl_cert_reqs", frozenset({"required", "cert_required"})), ("ssl_check_hostname", frozenset({"true"})))
"""Parameters that would switch the verification off, and the values that do not."""

PARAMETERS = (*FILES, *(name for name, _ in _SWITCHES))
"""All that a URL may say about TLS."""


def tls_files(query: Mapping[str, str], shown: str) -> dict[str, str]:
    """
    The files that a URL names, by the names of `FILES`; those not named are left out.

    Raises:
        ConfigError: a parameter switches the verification off, or begins with `ssl_` and is unknown; all of them.
    """
    problems = [
        f"{shown}: {name}={query[name]} would switch the verification of the server off; give its authority by"
        " ssl_ca_certs instead"
        for name, fine in _SWITCHES
        if name in query and query[name].lower() not in fine
    ]
    problems += [
        f"{shown}: unknown parameter {parameter(name)}"
        for name in query
        if name.startswith("ssl_") and name not in PARAMETERS
    ]
    if problems:
        raise ConfigError(problems)
    return {name: query[name] for name in FILES if name in query}


def tls_context(files: Mapping[str, str], shown: str) -> ssl.SSLContext:
    """
    A context that verifies chain and host name, against the system's authorities when no other is named.

    Reads the files. At the start, to tell what is wrong with them; a connection needs `renewed_context`.

    Raises:
        ConfigError: a file is not there or holds no PEM, or a key has no certificate; all problems.
    """
    authority, certificate, key = (files.get(name) for name in FILES)
    problems = [f"{shown}: {name}: {reason}" for name in FILES if name in files and (reason := _unread(files[name]))]
    if key and not certificate:
        problems.append(f"{shown}: ssl_keyfile needs ssl_certfile")
    if problems:
        raise ConfigError(problems)
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
    if authority:  # whoever names one trusts that one only
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        _load(problems, shown, "ssl_ca_certs", authority, lambda: context.load_verify_locations(cafile=authority))
    if certificate:

        def load() -> None:
            # always a password: without one OpenSSL would ask for it at the terminal, and wait
            context.load_cert_chain(certificate, key, lambda: "")

        _load(problems, shown, "ssl_certfile", certificate, load)
    if problems:
        raise ConfigError(problems)
    return context


def renewed_context(files: Mapping[str, str], shown: str) -> ssl.SSLContext:
    """
    The same for one connection: a certificate that was renewed since the last one is used.

    Raises:
        ConnectError: a file is of no use now. It was at the start, so it is being renewed and there again in a moment.
    """
    try:
        return tls_context(files, shown)
    except ConfigError as error:
        raise ConnectError(str(error)) from error


def _unread(path: str) -> str | None:
    """Why the file cannot be read."""
    try:
        with Path(path).open("rb"):
            return None
    except OSError as error:
        return f"{error.strerror}: {path}"


def _load(problems: list[str], shown: str, name: str, path: str, load: Callable[[], None]) -> None:
    try:
        load()
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        reason = getattr(error, "reason", None)
        problems.append(f"{shown}: {name}: {path} is no usable PEM file" + (f" ({reason})" if reason else ""))
