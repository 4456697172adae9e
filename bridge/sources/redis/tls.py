"""TLS to a Redis: chain and host name are verified, always."""

import ssl
from collections.abc import Mapping

from bridge.errors import ConfigError

TLS_PARAMETERS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname")
"""Of a URL, as kombu names them."""

_VERIFYING = {"ssl_cert_reqs": ("required", "cert_required"), "ssl_check_hostname": ("true",)}


def tls(query: Mapping[str, str]) -> ssl.SSLContext:
    """
    What the parameters of a URL ask for; the system's authorities without `ssl_ca_certs`.

    Raises:
        ConfigError: it would not verify, or a file cannot be read.
    """
    problems = [
        f"{name}={query[name]} would switch the verification of the server off; give its authority by ssl_ca_certs"
        " instead"
        for name, fine in _VERIFYING.items()
        if name in query and query[name].lower() not in fine
    ]
    context = ssl.create_default_context()
    authority, certificate, key = (query.get(name) for name in TLS_PARAMETERS[:3])
    try:
        if authority:
            context = ssl.create_default_context(cafile=authority)
        if certificate:
            context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        problems.append(f"its certificates cannot be read: {error}")
    if key and not certificate:
        problems.append("ssl_keyfile: the certificate it belongs to is missing (ssl_certfile)")
    if problems:
        raise ConfigError(problems)
    return context
