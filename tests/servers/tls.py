"""Certificates that live for a test, and the settings of a TLS or SASL_SSL listener of `KafkaServer`."""

import subprocess
from collections.abc import Mapping
from pathlib import Path


def certificates(folder: Path) -> Path:
    """
    Make a CA (`ca.pem`) and one certificate for 127.0.0.1, signed by it, that serves both servers and clients
    (`node.crt`, its key in `node.key`, both in `node.pem`). Takes 15 ms; needs the openssl command.
    """
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    new = ["openssl", "req", "-x509", *curve, "-nodes", "-days", "3650"]
    ca = [*new, "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem", "-addext", "keyUsage=critical,keyCertSign"]
    node = [*new, "-subj", "/CN=node", "-keyout", "node.key", "-out", "node.crt", "-CA", "ca.pem", "-CAkey", "ca.key"]
    for usage in (
        "basicConstraints=critical,CA:FALSE",
        "extendedKeyUsage=serverAuth,clientAuth",
        "subjectAltName=IP:127.0.0.1",
    ):
        node += ["-addext", usage]
    for command in (ca, node):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (folder / "node.pem").write_text((folder / "node.key").read_text() + (folder / "node.crt").read_text())
    return folder


def secured(listener: str, certificates: Path, plain: Mapping[str, str] | None = None) -> dict[str, str]:
    """The broker's settings for a TLS listener. SASL PLAIN takes its users from `plain`, SCRAM from `KafkaServer`."""
    module = "org.apache.kafka.common.security"
    users = " ".join(f'user_{user}="{password}"' for user, password in (plain or {}).items())
    settings = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(certificates / "node.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(certificates / "ca.pem"),
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
        "plain.sasl.jaas.config": f"{module}.plain.PlainLoginModule required {users};",
        "scram-sha-512.sasl.jaas.config": f"{module}.scram.ScramLoginModule required;",
    }
    return {f"listener.name.{listener.lower()}.{key}": value for key, value in settings.items()}
