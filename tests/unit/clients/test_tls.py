"""bridge.clients.tls"""

import ssl
import subprocess
from pathlib import Path

import pytest

from bridge.clients.tls import renewed_context, tls_context, tls_files
from bridge.errors import ConfigError, ConnectError
from tests.servers.tls import certificates

SHOWN = "amqps://h"


def test_the_files_of_a_url_are_found() -> None:
    """By redis-py's and kombu's names; other parameters are not ours."""
    query = {"ssl_ca_certs": "/ca", "ssl_certfile": "/crt", "ssl_keyfile": "/key", "heartbeat": "7"}
    assert tls_files(query, SHOWN) == {"ssl_ca_certs": "/ca", "ssl_certfile": "/crt", "ssl_keyfile": "/key"}
    assert tls_files({"ssl_cert_reqs": "required", "ssl_check_hostname": "true"}, SHOWN) == {}


def test_verification_cannot_be_switched_off() -> None:
    """Nor is a misspelt parameter passed over; all problems are told."""
    with pytest.raises(ConfigError) as caught:
        tls_files({"ssl_cert_reqs": "none", "ssl_check_hostname": "false", "ssl_ca": "/ca"}, SHOWN)
    words = ("ssl_cert_reqs=none", "ssl_check_hostname=false", "unknown parameter ssl_ca")
    assert all(word in problem for word, problem in zip(words, caught.value.problems, strict=True))


def test_chain_and_host_name_are_verified(tmp_path: Path) -> None:
    """Against the system's authorities, or against the one that is named and no other."""
    system = tls_context({}, SHOWN)
    place = certificates(tmp_path)
    files = {"ssl_ca_certs": place / "ca.pem", "ssl_certfile": place / "node.crt", "ssl_keyfile": place / "node.key"}
    ours = tls_context({name: str(path) for name, path in files.items()}, SHOWN)
    for context in (system, ours):
        assert context.verify_mode == ssl.CERT_REQUIRED
        assert context.check_hostname
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert [dict(part[0] for part in ca["subject"]) for ca in ours.get_ca_certs()] == [{"commonName": "ca"}]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"ssl_ca_certs": "no.pem"}, "ssl_ca_certs: No such file"),
        ({"ssl_ca_certs": "junk.pem"}, "ssl_ca_certs: .* is no usable PEM file"),
        ({"ssl_certfile": "junk.pem"}, "ssl_certfile: .* is no usable PEM file"),
        ({"ssl_certfile": "node.crt"}, "ssl_certfile: .* is no usable PEM file"),
        ({"ssl_certfile": "node.crt", "ssl_keyfile": "ca.key"}, "no usable PEM file .*MISMATCH"),
        ({"ssl_keyfile": "node.key"}, "ssl_keyfile needs ssl_certfile"),
    ],
)
def test_a_file_that_is_of_no_use_is_named(tmp_path: Path, files: dict[str, str], words: str) -> None:
    """Missing, no PEM, a certificate without its key, or with another's."""
    place = certificates(tmp_path)
    (place / "junk.pem").write_text("nothing")
    with pytest.raises(ConfigError, match=words):
        tls_context({name: str(place / path) for name, path in files.items()}, SHOWN)


def test_a_key_with_a_password_asks_nobody(tmp_path: Path) -> None:
    """OpenSSL would ask at the terminal, and wait."""
    place = certificates(tmp_path)
    command = ["openssl", "pkey", "-in", "node.key", "-aes128", "-passout", "pass:secret", "-out", "locked.key"]
    subprocess.run(command, cwd=place, check=True, capture_output=True)
    with pytest.raises(ConfigError, match="ssl_certfile"):
        tls_context({"ssl_certfile": str(place / "node.crt"), "ssl_keyfile": str(place / "locked.key")}, SHOWN)


def test_a_certificate_that_is_being_renewed_is_waited_for(tmp_path: Path) -> None:
    """At the start a file that is missing is a mistake; later it is there again in a moment, and read anew."""
    place = certificates(tmp_path)
    files = {"ssl_ca_certs": str(place / "ca.pem")}
    (place / "ca.pem").rename(place / "old.pem")
    with pytest.raises(ConnectError, match="ssl_ca_certs: No such file"):
        renewed_context(files, SHOWN)
    (place / "old.pem").rename(place / "ca.pem")
    assert renewed_context(files, SHOWN).get_ca_certs()
