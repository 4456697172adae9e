"""bridge.sources.redis.tls; connections are made with it in tests/integration."""

import ssl
from pathlib import Path

import pytest

from bridge.errors import ConfigError
from bridge.sources.redis.tls import tls
from tests.servers.tls import certificates


def test_chain_and_host_name_are_verified(tmp_path: Path) -> None:
    """With the system's authorities, with one's own, and with a certificate of ours."""
    folder = certificates(tmp_path)
    files = {"ssl_ca_certs": "ca.pem", "ssl_certfile": "node.crt", "ssl_keyfile": "node.key"}
    given = {name: str(folder / file) for name, file in files.items()}
    for query in ({}, {"ssl_cert_reqs": "required", "ssl_check_hostname": "True"}, given):
        context = tls(query)
        assert context.verify_mode == ssl.CERT_REQUIRED
        assert context.check_hostname
    assert [one["subject"] for one in tls(given).get_ca_certs()] == [((("commonName", "ca"),),)]


@pytest.mark.parametrize("name", ["ssl_cert_reqs", "ssl_check_hostname"])
@pytest.mark.parametrize("value", ["none", "CERT_OPTIONAL", "false", "0"])
def test_verification_cannot_be_switched_off(name: str, value: str) -> None:
    """TLS without it keeps nobody out."""
    with pytest.raises(ConfigError, match=f"{name}={value} would switch"):
        tls({name: value})


def test_every_problem_is_told(tmp_path: Path) -> None:
    """Files that are not there, a key without a certificate, and a wrong switch, at once."""
    with pytest.raises(ConfigError) as caught:
        tls({"ssl_ca_certs": str(tmp_path / "x"), "ssl_keyfile": "k", "ssl_cert_reqs": "none"})
    assert len(caught.value.problems) == 3
