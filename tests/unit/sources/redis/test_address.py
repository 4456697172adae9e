"""bridge.sources.redis.address"""

import subprocess
from pathlib import Path

import pytest

from bridge.errors import ConfigError
from bridge.sources.redis.address import CLIENT_NAME, PING_SECONDS, Address, Login, Place, addresses
from tests.servers.tls import certificates


def one(url: str) -> Address:
    (address,) = addresses(url)
    return address


def test_a_full_url() -> None:
    """Host, port, database, login."""
    address = one("redis://us%65r:p%40ss@h:6380/3")
    assert address.places == (Place("h", 6380),)
    assert (address.database, address.login) == (3, Login("user", "p@ss"))
    assert address.channel.command == ("PSUBSCRIBE", "/3.celeryev/*")
    assert (address.tls, address.master_name) == (None, None)


@pytest.mark.parametrize("url", ["redis://", "redis:///", "redis://localhost", "redis://localhost:6379/0"])
def test_what_a_url_leaves_out(url: str) -> None:
    """The local server, database 0, RESP3, our name, pings."""
    address = one(url)
    assert address.places[0].port == 6379
    assert address.places[0].host in ("127.0.0.1", "localhost")
    assert (address.database, address.login, address.protocol) == (0, Login(), 3)
    assert (address.client_name, address.ping_seconds, address.buffer_bytes) == (CLIENT_NAME, PING_SECONDS, None)


def test_sentinels_are_one_address() -> None:
    """All of them are asked for one master; user, password and database are the first one's, as with kombu."""
    address = one("sentinel://:pw@a/2;sentinel://b:26380?master_name=mymaster&sentinel_password=other")
    assert address.places == (Place("a", 26379), Place("b", 26380))
    assert (address.master_name, address.database) == ("mymaster", 2)
    assert (address.login, address.sentinel_login) == (Login(None, "pw"), Login(None, "other"))
    assert address.shown == "sentinel://a/2;sentinel://b:26380"


def test_sentinels_are_asked_over_tls_only_when_told_so() -> None:
    """Kombu speaks TLS with the master and not with the sentinels."""
    url = "sentinel://h?master_name=m&ssl_cert_reqs=required"
    assert one(url).tls is not None
    assert one(url).sentinel_tls is None
    assert one(url + "&sentinel_ssl=true").sentinel_tls is not None


def test_alternatives_are_addresses_of_their_own() -> None:
    """Each with its own database and login."""
    shown = [(address.shown, address.database) for address in addresses("redis://:a@h1/1;redis://:b@h2/2")]
    assert shown == [("redis://h1/1", 1), ("redis://h2/2", 2)]


def test_a_socket() -> None:
    """Its path is the URL's, so the database is a parameter."""
    address = one("redis+socket://:pw@/run/redis.sock?virtual_host=4")
    assert address.places == (Place(path="/run/redis.sock"),)
    assert (str(address.places[0]), address.database, address.login.password) == ("/run/redis.sock", 4, "pw")


def test_parameters_of_kombu() -> None:
    """Those that name the channel are followed, those that mean nothing to a listener accepted."""
    query = "global_keyprefix=gk:&fanout_prefix=false&fanout_patterns=0&visibility_timeout=9&health_check_interval=0.5"
    address = one(f"redis://h?{query}&client_name=me&protocol=2&buffer_bytes=1000")
    assert address.channel.command == ("SUBSCRIBE", "gk:celeryev")
    assert (address.client_name, address.protocol, address.buffer_bytes) == ("me", 2, 1000)
    assert address.ping_seconds == 0.5
    assert one("redis://h?fanout_prefix=/x.").channel.prefix == "/x.celeryev"


def test_pings_cannot_be_switched_off() -> None:
    """Kombu's 0 would hide a dead link."""
    assert one("redis://h?health_check_interval=0").ping_seconds == PING_SECONDS


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "empty"),
        ("redis://h:port", "port a number"),
        ("redis://h/zero", "database 'zero'"),
        ("redis://h?fanout_patern=0", "unknown parameter fanout_patern; did you mean fanout_patterns?"),
        ("redis://h?protocol=4", "protocol=4"),
        ("redis://h?client_name=a%20b", "client_name"),
        ("redis://h?buffer_bytes=lots", "buffer_bytes"),
        ("redis://h?health_check_interval=-1", "health_check_interval"),
        ("redis://h?fanout_prefix={x}", "fanout_prefix"),
        ("rediss://h?ssl_cert_reqs=none", "ssl_cert_reqs=none"),
        ("sentinel://h", "master_name"),
        ("sentinel://h?master_name=m;redis://h", "alternatives"),
    ],
)
def test_what_can_never_work_is_said(url: str, words: str) -> None:
    """Before anything is connected."""
    with pytest.raises(ConfigError) as caught:
        addresses(url)
    assert words in str(caught.value)


def test_every_problem_is_told_at_once() -> None:
    """Nobody should have to start it three times."""
    with pytest.raises(ConfigError) as caught:
        addresses("rediss://h/x?protocol=1&nonsense=1&ssl_check_hostname=false")
    assert len(caught.value.problems) == 4
    assert all(problem.count("rediss://h/x") == 1 for problem in caught.value.problems)


def test_a_key_with_a_password_asks_nobody(tmp_path: Path) -> None:
    """OpenSSL would ask at the terminal, and wait."""
    files = certificates(tmp_path)
    command = ["openssl", "pkey", "-in", "node.key", "-aes128", "-passout", "pass:secret", "-out", "locked.key"]
    subprocess.run(command, cwd=files, check=True, capture_output=True)
    with pytest.raises(ConfigError, match="ssl_certfile"):
        addresses(f"rediss://h?ssl_certfile={files}/node.crt&ssl_keyfile={files}/locked.key")


@pytest.mark.parametrize(
    "url",
    [
        "redis://:hunter2@h/0",
        "redis://h/0?client_name=hunter2",
        "redis://user:a/hunter2@h/1",
        "redis://user:1/hunter2@h/1",
        "redis://user:1?hunter2@h/1",
        "redis://user:1#hunter2@h/1",
        "sentinel://:hunter2@a;sentinel://b?master_name=m&sentinel_password=hunter2",
    ],
)
def test_no_secret_is_shown(url: str) -> None:
    """Neither in what logs show nor in the repr of a login."""
    try:
        told = [f"{a.shown} {a.login!r} {a.sentinel_login!r}" for a in addresses(url)]
    except ConfigError as error:
        told = [str(error)]
    assert told
    assert "hunter2" not in "".join(told)
