"""bridge.sources.amqp.address"""

from pathlib import Path

import pytest

from bridge.errors import ConfigError
from bridge.sources.amqp.address import CONNECT_SECONDS, HEARTBEAT_SECONDS, Address, addresses
from bridge.sources.amqp.frames import MAX_FRAME_BYTES
from bridge.sources.kombu.address import addresses as kombu_addresses
from tests.servers.tls import certificates


def one(url: str) -> Address:
    (address,) = addresses(url)
    return address


def test_every_part_is_read() -> None:
    """Quoted ones are unquoted."""
    address = one(
        "amqp://us%40er:p%2Fss@rabbit:5673/prod%2Fa?heartbeat=3&connection_timeout=1500&frame_max=8192&channel_max=9"
    )
    expected = Address(
        "amqp://rabbit:5673/prod%2Fa", "rabbit", 5673, "us@er", "p/ss", "prod/a", "PLAIN", 3, 1.5, 8192, None, 9
    )
    assert address == expected


def test_a_bare_url_is_the_local_broker() -> None:
    """As Celery understands amqp://."""
    address = one("amqp://")
    assert (address.host, address.port, address.vhost) == ("localhost", 5672, "/")
    assert (address.user, address.password, address.mechanism) == ("guest", "guest", "PLAIN")
    assert (address.heartbeat_seconds, address.connect_seconds) == (HEARTBEAT_SECONDS, CONNECT_SECONDS)
    assert (address.frame_bytes, address.tls) == (MAX_FRAME_BYTES, None)


@pytest.mark.parametrize(
    "url",
    [
        "amqp://",
        "amqp://h",
        "amqp://h/",
        "amqp://h//",
        "amqp://h/%2F",
        "amqp://h:1//v",
        "amqp://u@h/v",
        "amqp://u:@h/v",
        "amqp://:p@h/v",
        "amqp://u:p%40@[::1]:7/v%2F",
        "amqps://h/v",
        "amqp://H.example/v?ssl_cert_reqs=required",
    ],
)
def test_it_is_read_as_kombu_reads_it(url: str) -> None:
    """Whoever forces kombu, or comes from it, meets the same broker."""
    (theirs,) = kombu_addresses(url)
    info = theirs.client({})
    defaults = info.transport.default_connection_params
    ours = one(url)
    assert ours.host == (info.hostname or defaults["hostname"]).lower()
    assert ours.port == (info.port or defaults["port"])
    assert ours.user == (info.userid or defaults["userid"])
    assert ours.password == (info.password or defaults["password"])
    assert ours.vhost == (info.virtual_host or "/")
    assert ours.shown == theirs.shown
    assert (ours.tls is not None) == ("ssl" in theirs.parameters)


def test_alternatives_are_tried_in_turn() -> None:
    """Separated by semicolons."""
    assert [a.shown for a in addresses("amqp://a//;amqps://b//")] == ["amqp://a//", "amqps://b//"]


@pytest.mark.parametrize(
    "url",
    [
        "amqp://user:hunter2@h:5672/v",
        "amqp://user:hun:hunter2@h/v",
        "amqp://user:a/hunter2@h/v",
        "amqp://user:hunter2/x@h/v",
        "amqp://user:123?hunter2@h/v",
        "amqp://user:123#hunter2@h/v",
        "amqp://user:hunter2@h:port/v",
        "rabbit://user:hunter2@h",
    ],
)
def test_no_secret_is_shown(url: str) -> None:
    """Neither in what logs show nor in the repr nor in an error."""
    try:
        told = [f"{address.shown} {address!r}" for address in addresses(url)]
    except ConfigError as error:
        told = [str(error)]
    assert "hunter2" not in "".join(told)


@pytest.mark.parametrize("query", ["login_method=EXTERNAL", "auth_mechanism=external"])
def test_external_may_be_asked_for(query: str) -> None:
    """By RabbitMQ's name of the parameter and by kombu's."""
    assert one(f"amqps://h//?{query}").mechanism == "EXTERNAL"


@pytest.mark.parametrize(
    ("mechanism", "response"),
    [
        ("PLAIN", b"\0u\xc3\xa4\0p%"),
        ("AMQPLAIN", b"\x05LOGINS\0\0\0\x03u\xc3\xa4\x08PASSWORDS\0\0\0\x02p%"),
        ("EXTERNAL", b""),
    ],
)
def test_each_mechanism_says_who_we_are_in_its_way(mechanism: str, response: bytes) -> None:
    """As RabbitMQ's plugins for it read that, for AMQP and for streams."""
    assert one(f"amqp://u%C3%A4:p%25@h//?auth_mechanism={mechanism}").response == response


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "empty"),
        (";", "empty"),
        ("rabbit://h", "scheme"),
        ("amqp://h:port//", "port"),
        ("amqp://h:99999//", "port"),
        ("amqp://h//?foo=1", "unknown parameter foo"),
        ("amqp://h//?heartbeat=0", "heartbeat=0"),
        ("amqp://h//?connection_timeout=soon", "milliseconds"),
        ("amqp://h//?frame_max=4095", "frame_max=4095"),
        ("amqp://h//?channel_max=1", "channel_max=1"),
        ("amqp://h//?auth_mechanism=GSSAPI", "PLAIN, AMQPLAIN or EXTERNAL"),
        (f"amqp://u:{'x' * 128}@h//?auth_mechanism=AMQPLAIN", "at most 127 bytes"),
        ("amqps://h//?ssl_cert_reqs=none", "ssl_cert_reqs=none"),
        ("amqps://h//?ssl_ca_certs=/no/such.pem", "ssl_ca_certs: No such file"),
    ],
)
def test_what_can_never_work_is_said(url: str, words: str) -> None:
    """Before anything is connected."""
    with pytest.raises(ConfigError, match=words):
        addresses(url)


def test_all_problems_are_told_at_once() -> None:
    """Of all alternatives."""
    with pytest.raises(ConfigError) as caught:
        addresses("amqp://a//?x=1&heartbeat=0;amqp://b:no//")
    assert len(caught.value.problems) == 3


def test_parameters_for_other_sources_are_passed_over() -> None:
    """The same URL may be read by a stream source."""
    assert one("amqp://h//?stream_port=5552").host == "h"


def test_patience_follows_the_heartbeat() -> None:
    """An answer may take as long as a dead connection goes unnoticed, and 10 s at most."""
    assert one("amqp://?heartbeat=2").patience_seconds == 4.0
    assert one("amqp://").patience_seconds == 10.0


def test_rabbitmqs_own_names_of_files_are_known(tmp_path: Path) -> None:
    """Whoever copies a URL of another client of RabbitMQ."""
    certificates(tmp_path)
    files = {"ca_certs": tmp_path / "ca.pem", "certfile": tmp_path / "node.crt", "keyfile": tmp_path / "node.key"}
    theirs = "&".join(f"{name.replace('ca_certs', 'cacertfile')}={path}" for name, path in files.items())
    ours = "&".join(f"ssl_{name}={path}" for name, path in files.items())
    assert one(f"amqps://h//?{theirs}") == one(f"amqps://h//?{ours}")
    assert one(f"amqps://h//?{theirs}").tls is not None


def test_a_file_of_tls_is_looked_at_at_once(tmp_path: Path) -> None:
    """What is no PEM never will connect."""
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(ConfigError, match="no usable PEM"):
        one(f"amqp://h//?ssl_ca_certs={tmp_path / 'ca.pem'}")
