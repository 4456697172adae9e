"""Unit tests of bridge.clients.kafka.tls."""

import subprocess
from pathlib import Path

import pytest

from bridge.clients.kafka.tls import tls_context
from tests.servers.tls import certificates


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A CA and a certificate for 127.0.0.1."""
    return certificates(tmp_path)


def test_named_authority_is_the_only_one_that_is_trusted(folder: Path) -> None:
    """Who names an authority does not mean those of the system as well."""
    problems: list[str] = []
    context = tls_context({"ssl_ca": str(folder / "ca.pem")}, problems)
    assert context is not None
    assert [ca["subject"] for ca in context.get_ca_certs()] == [((("commonName", "ca"),),)]
    assert problems == []


def test_authority_may_be_text(folder: Path) -> None:
    """A PEM text whose line ends are written as backslash n."""
    problems: list[str] = []
    text = (folder / "ca.pem").read_text()
    for form in (text, text.replace("\n", "\\n")):
        context = tls_context({"ssl_ca_text": form}, problems)
        assert context is not None
        assert len(context.get_ca_certs()) == 1
    assert problems == []


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"ssl_ca": "gone.pem"}, "ssl.ca.location: No such file or directory: gone.pem"),
        ({"ssl_ca": "nonsense.pem"}, "ssl.ca.location: nonsense.pem is no usable PEM file"),
        ({"ssl_ca_text": "nonsense"}, "ssl.ca.pem holds no certificate"),
        ({"ssl_key": "node.key"}, "ssl.key.location needs ssl.certificate.location"),
        ({"ssl_certificate": "node.crt"}, "ssl.certificate.location: node.crt is no usable PEM file"),
        ({"ssl_certificate": "node.crt", "ssl_key": "gone.key"}, "ssl.key.location: No such file or directory"),
        ({"ssl_certificate": "node.crt", "ssl_key": "ca.key"}, "KEY_VALUES_MISMATCH"),
    ],
)
def test_file_that_cannot_be_used_is_a_problem_with_its_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], problem: str
) -> None:
    """Missing, not PEM, or of another certificate."""
    monkeypatch.chdir(folder)
    (folder / "nonsense.pem").write_text("nonsense")
    problems: list[str] = []
    assert tls_context(given, problems) is None
    assert len(problems) == 1
    assert problem in problems[0]


def test_encrypted_key_needs_its_password_and_never_asks_the_terminal(folder: Path) -> None:
    """Without a password OpenSSL would prompt, and the start would hang."""
    encrypt = ["openssl", "pkcs8", "-topk8", "-in", "node.key", "-out", "locked.key", "-passout", "pass:hidden"]
    subprocess.run(encrypt, cwd=folder, check=True, capture_output=True)
    given = {"ssl_certificate": str(folder / "node.crt"), "ssl_key": str(folder / "locked.key")}
    problems: list[str] = []
    assert tls_context(given, problems) is None
    assert len(problems) == 1
    assert tls_context({**given, "ssl_key_password": "hidden"}, []) is not None
    assert "hidden" not in problems[0]
