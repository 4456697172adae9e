"""The TLS settings of a Kafka connection, from PEM files."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def tls_context(given: Mapping[str, Any], problems: list[str]) -> ssl.SSLContext | None:
    """
    A context that verifies chain and host name, against the system's authorities when no other is named.

    Args:
        given: ssl_ca (a file), ssl_ca_text (PEM text), ssl_certificate (a file: certificate and chain, perhaps the key
            too, as Java's PEM keystore), ssl_key (a file), ssl_key_password; each may be missing.
        problems: what could not be read is added here.

    Returns:
        None when there is a problem.
    """
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
    found = len(problems)
    if "ssl_ca" in given or "ssl_ca_text" in given:
        # Whoever names an authority trusts that one only.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if "ssl_ca" in given:
        _load(problems, "ssl.ca.location", given["ssl_ca"], lambda path: context.load_verify_locations(cafile=path))
    if "ssl_ca_text" in given:
        # A property holds one line: the line ends of a PEM text arrive as \n in it.
        text = given["ssl_ca_text"].replace("\\n", "\n")
        try:
            context.load_verify_locations(cadata=text)
        except (ssl.SSLError, ValueError):
            problems.append("Kafka property ssl.ca.pem holds no certificate in PEM form")
    _load_certificate(context, given, problems)
    return context if len(problems) == found else None


def _load_certificate(context: ssl.SSLContext, given: Mapping[str, Any], problems: list[str]) -> None:
    """What we show the broker (mutual TLS)."""
    if "ssl_certificate" not in given:
        if "ssl_key" in given:
            problems.append("Kafka property ssl.key.location needs ssl.certificate.location")
        return
    # Always given: without one OpenSSL would ask for the password at the terminal, and wait.
    password = given.get("ssl_key_password", "")
    key = given.get("ssl_key")
    if key is not None and not _readable(problems, "ssl.key.location", key):
        return
    _load(
        problems,
        "ssl.certificate.location",
        given["ssl_certificate"],
        lambda path: context.load_cert_chain(path, key, lambda: password),
    )


def _readable(problems: list[str], name: str, path: str) -> bool:
    try:
        with Path(path).open("rb"):
            return True
    except OSError as error:
        problems.append(f"Kafka property {name}: {error.strerror}: {path}")
        return False


def _load(problems: list[str], name: str, path: str, load: Any) -> None:
    if not _readable(problems, name, path):
        return
    try:
        load(path)
    except ssl.SSLError as error:
        reason = error.reason or "not a PEM file"
        problems.append(f"Kafka property {name}: {path} is no usable PEM file ({reason})")
    except (OSError, ValueError):
        problems.append(f"Kafka property {name}: {path} is no usable PEM file")
